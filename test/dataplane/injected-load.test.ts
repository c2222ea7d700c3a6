import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { block } from '../support/network/agent-servers.ts';
import { destination, directions, openScene, url, type Scene } from '../support/network/scene.ts';
import { eventually } from '../support/waiting.ts';

const gibibyte = 2 ** 30;
const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const ports = { http: 8080, opaque: 8081, h2c: 8082 };
const readers = 200;

let scene: Scene;

beforeAll(async () => {
  const annotations = { 'sidecar-injector.io/opaquePorts': String(ports.opaque) };
  scene = await openScene({ label: 'load', pod: podWith({ annotations }) });
  for (const agent of [scene.app, scene.outside]) {
    for (const port of [ports.http, ports.opaque]) await agent.listen({ kind: 'http', port });
    await agent.listen({ kind: 'h2c', port: ports.h2c });
  }
});

afterAll(() => scene.stop());

/** The memory that the proxy has now, bytes. */
function privateMemory(): Promise<number> {
  const status = readFileSync(`/proc/${scene.pod.proxyPid}/status`, 'utf8');
  return Promise.resolve(Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024);
}

/** Memory as soon as it does not grow any more. */
async function settled(): Promise<number> {
  let [last, since] = [0, Date.now()];
  const isSteady = (now: number): boolean => {
    if (now > last + mebibyte / 4) [last, since] = [now, Date.now()];
    return Date.now() - since > 1_500;
  };
  return eventually(privateMemory, isSteady, 30_000);
}

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

  test.each([
    ['TCP', ports.opaque, false, 160],
    ['HTTP', ports.http, false, 160],
    ['HTTP/2', ports.h2c, true, 640],
  ])('clients that do not read take little memory each, %s', async (_, port, http2, mostKibibytes) => {
    // A proxy keeps memory that it has freed, which would hide what this needs.
    await scene.pod.stopProxy();
    await scene.pod.startProxy();
    const before = await privateMemory();
    const path = `/bytes?count=${gibibyte}`;
    await client().holdUnread({ url: url(destination(direction, 'v4'), port, path), count: readers, http2 });
    const after = await settled();
    await client().dropUnread();
    expect((after - before) / readers / kibibyte).toBeLessThan(mostKibibytes);
  });
});
