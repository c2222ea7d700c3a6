import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { block } from '../support/network/agent-servers.ts';
import { destination, directions, openScene, url, type Scene } from '../support/network/scene.ts';

const gibibyte = 2 ** 30;
const mebibyte = 2 ** 20;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ label: 'load', pod: podWith() });
  for (const agent of [scene.app, scene.outside]) await agent.listen({ kind: 'http', port: 8080 });
});

afterAll(() => scene.stop());

/** The most memory that the proxy ever had, bytes. */
function peakMemory(): number {
  const status = readFileSync(`/proc/${scene.pod.proxyPid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

function crcOf(bytes: number): number {
  let crc = 0;
  for (let at = 0; at < bytes; at += block.length) crc = crc32(block, crc);
  return crc;
}

describe.each(directions)('%s', (direction) => {
  const client = () => (direction === 'inbound' ? scene.outside : scene.app);
  const address = (path: string): string => url(destination(direction, 'v4'), 8080, path);

  test('500 requests wait for one another at the same time', async () => {
    const together = await client().askTogether({ url: address('/gather?count=500'), count: 500 });
    expect(together).toEqual({ answered: 500, failures: [] });
  });

  test('a gibibyte arrives whole, and the proxy does not keep it', async () => {
    const before = peakMemory();
    const received = await client().download({ url: address(`/bytes?count=${gibibyte}`) });
    expect(received).toEqual({ bytes: gibibyte, crc: crcOf(gibibyte) });
    expect(peakMemory() - before).toBeLessThan(64 * mebibyte);
  });
});
