import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent } from '../support/network/agent.ts';
import type { Exchanged } from '../support/network/party.ts';
import { differencesOf, readAnswers, readRequests, type Added } from '../support/network/http1-messages.ts';
import { answerShapes } from '../support/network/http1-shapes/answers.ts';
import { bodyShapes } from '../support/network/http1-shapes/bodies.ts';
import { documentedDifferences } from '../support/network/http1-shapes/differences.ts';
import { requestShapes } from '../support/network/http1-shapes/requests.ts';
import type { Shape } from '../support/network/http1-shapes/shape.ts';
import { destination, directions, openScene, type Scene } from '../support/network/scene.ts';

/** The same server twice: behind the proxy, and on a port that nothing captures, which is how it is without a proxy. */
const ports = { proxied: 8080, plain: 8180 } as const;
const kinds = { request: requestShapes, body: bodyShapes, answer: answerShapes } as const;

/** What every message gets, if it does not have it already. */
const added: Added = {
  request: ['x-request-id'],
  answer: ['date', 'x-envoy-upstream-service-time'],
};

const documented = new Map(Object.values(documentedDifferences).flatMap((row) => Object.entries(row)));

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': String(ports.plain),
    'traffic.sidecar.istio.io/excludeOutboundPorts': String(ports.plain),
  };
  // Far longer than any exchange takes, so that nothing passes as TCP because the proxy has given up.
  const settings = { proxy: { protocolDetectionTimeoutMs: 60_000 } };
  scene = await openScene({ label: 'shapes', pod: podWith({ annotations }), settings });
  for (const agent of [scene.app, scene.outside]) {
    for (const port of Object.values(ports)) await agent.listen({ kind: 'exchange', port });
  }
});

afterAll(() => scene.stop());

describe('documented differences', () => {
  test.each(Object.keys(documentedDifferences))('%s: the documentation has a row', (row) => {
    const page = readFileSync(path.join(import.meta.dirname, '../../docs/data-plane.md'), 'utf8');
    expect(page).toMatch(new RegExp(`^\\| ${row} +\\|`, 'm'));
  });

  test('each is of a shape', () => {
    const names = Object.entries(kinds).flatMap(([kind, shapes]) => shapes.map(({ name }) => `${kind}: ${name}`));
    expect(new Set(names).size).toBe(names.length);
    expect([...documented.keys()].filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe.each(directions)('%s', (direction) => {
  const sides = (): [client: Agent, server: Agent] =>
    direction === 'inbound' ? [scene.outside, scene.app] : [scene.app, scene.outside];

  async function play(port: number, shape: Shape): Promise<{ seen: Exchanged; heard: readonly Exchanged[] }> {
    const [client, server] = sides();
    await server.prepare({ port, party: shape.server });
    const seen = await client.exchange({
      host: destination(direction, 'v4'),
      port,
      party: shape.client,
      until: shape.until,
      ...(shape.answers === undefined ? {} : { answers: shape.answers }),
      limitMs: 1_500,
    });
    return { seen, heard: await server.received({ port }) };
  }

  describe.each(Object.entries(kinds))('%s', (kind, shapes) => {
    test.each(shapes.map((shape) => [shape.name, shape] as const))('%s', async (name, shape) => {
      const [plain, proxied] = [await play(ports.plain, shape), await play(ports.proxied, shape)];
      const requests = [plain, proxied].map(({ heard }) => heard.flatMap(({ text }) => readRequests(text)));
      const answers = [plain, proxied].map(({ seen }) => readAnswers(seen.text, shape.methods ?? ['GET']));
      const differences = [
        ...differencesOf('request', requests[0] ?? [], requests[1] ?? [], added),
        ...differencesOf('answer', answers[0] ?? [], answers[1] ?? [], added),
      ];
      expect(differences).toEqual(documented.get(`${kind}: ${name}`) ?? []);
    });
  });
});
