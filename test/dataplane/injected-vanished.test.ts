import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent } from '../support/network/agent.ts';
import { destination, openScene, url, type Direction, type Scene } from '../support/network/scene.ts';
import { eventually } from '../support/waiting.ts';

/*
 * A node that dies says nothing. Both sides have keep-alive of 2 s here, as databases and their clients have; with the proxy
 * between them it is the proxy's keep-alive that counts. All cases wait at the same time, for almost a minute.
 */

const limitMs = 80_000;
const ports = { captured: 8080, excluded: 8180, http: 8081, h2c: 8082 };
const tcp = [ports.captured, ports.excluded];

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': String(ports.excluded),
    'traffic.sidecar.istio.io/excludeOutboundPorts': String(ports.excluded),
  };
  scene = await openScene({ label: 'vanished', pod: podWith({ annotations }) });
  for (const agent of [scene.app, scene.outside]) {
    for (const port of tcp) await agent.listen({ kind: 'echo', port });
    await agent.listen({ kind: 'http', port: ports.http });
    await agent.listen({ kind: 'h2c', port: ports.h2c });
  }
});

afterAll(() => scene.stop());

interface Seen {
  readonly tcp: readonly string[];
  readonly statuses: readonly number[];
}

/** Opens a connection to each server, and tells what became of it. */
async function talk(direction: Direction): Promise<Seen> {
  const client = direction === 'inbound' ? scene.outside : scene.app;
  const host = destination(direction, 'v4');
  const options = { host, send: '\u0001hello\n', untilClosed: true, keepAliveMs: 2_000, limitMs };
  const path = `/slow?ms=${2 * limitMs}`;
  const dials = Promise.all(tcp.map((port) => client.dial({ ...options, port })));
  const http = client.ask({ url: url(host, ports.http, path), limitMs });
  const http2 = client.askHttp2({ url: url(host, ports.h2c, path) });
  const statuses = await Promise.all([http, http2]);
  return { tcp: (await dials).map(({ ending }) => ending), statuses: statuses.map(({ status }) => status) };
}

async function connectionsTo(agent: Agent): Promise<readonly number[]> {
  return Promise.all(Object.values(ports).map((port) => agent.connected({ port })));
}

function everywhere(count: number): (counts: readonly number[]) => boolean {
  return (counts) => counts.every((one) => one === count);
}

test('both sides learn that the other one has vanished, within a minute', async () => {
  const outbound = talk('outbound');
  const inbound = talk('inbound').catch(() => undefined);
  for (const agent of [scene.app, scene.outside]) {
    expect(await eventually(() => connectionsTo(agent), everywhere(1))).toEqual([1, 1, 1, 1]);
  }
  for (const [chain, device] of [
    ['INPUT', '-i'],
    ['OUTPUT', '-o'],
  ] as const) {
    expect(scene.pod.namespace.run('cluster', ['iptables', '-I', chain, device, 'eth0', '-j', 'DROP']).status).toBe(0);
  }
  expect(await eventually(() => connectionsTo(scene.app), everywhere(0), limitMs)).toEqual([0, 0, 0, 0]);
  expect(await outbound).toEqual({ tcp: ['closed', 'closed'], statuses: [503, 503] });
  await scene.outside.stop();
  await inbound;
}, 100_000);
