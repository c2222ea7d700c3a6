import { describe, expect, test } from '@jest/globals';
import { differencesOf, readAnswers, readRequests, type Added } from '../http1-messages.ts';
import { answerShapes } from '../http1-shapes/answers.ts';
import { bodyShapes } from '../http1-shapes/bodies.ts';
import { documentedDifferences } from '../http1-shapes/differences.ts';
import { requestShapes } from '../http1-shapes/requests.ts';
import { sequenceShapes } from '../http1-shapes/sequences.ts';
import type { Shape } from '../http1-shapes/shape.ts';
import type { Exchanged } from '../party.ts';
import type { Line } from './line.ts';

/** The same server twice: behind the proxy, and on a port that nothing captures, which is how it is without a proxy. */
export const shapePorts = { proxied: 8080, plain: 8180 } as const;

export const shapesByKind = {
  request: requestShapes,
  body: bodyShapes,
  answer: answerShapes,
  sequence: sequenceShapes,
} as const;

const documented = new Map(Object.values(documentedDifferences).flatMap((row) => Object.entries(row)));

/** What every message gets, if it does not have it already. */
export const addedByProxy: Added = {
  request: ['x-request-id'],
  answer: ['date', 'x-envoy-upstream-service-time'],
};

/** Has the server of a line listen. */
export async function serveShapes({ server }: Line): Promise<void> {
  for (const port of Object.values(shapePorts)) await server.listen({ kind: 'exchange', port });
}

/**
 * Plays every exchange with the proxies and without, and compares what both sides have heard.
 *
 * @param own what this line adds to messages, and differences of its own, by kind and name of the shape
 */
export function describeHttp1Shapes(
  line: () => Line,
  own: { readonly added?: Added; readonly documented?: Readonly<Record<string, readonly string[]>> } = {},
): void {
  const added = own.added ?? addedByProxy;

  async function play(
    host: string,
    port: number,
    shape: Shape,
  ): Promise<{ seen: Exchanged; heard: readonly Exchanged[] }> {
    const { client, server } = line();
    await server.prepare({ port, party: shape.server });
    const seen = await client.exchange({
      host,
      port,
      party: shape.client,
      until: shape.until,
      ...(shape.answers === undefined ? {} : { answers: shape.answers }),
      limitMs: 1_500,
    });
    return { seen, heard: await server.received({ port }) };
  }

  describe.each(Object.entries(shapesByKind))('%s', (kind, shapes) => {
    test.each(shapes.map((shape) => [shape.name, shape] as const))('%s', async (name, shape) => {
      const { host, plainHost } = line();
      const [plain, proxied] = [
        await play(plainHost, shapePorts.plain, shape),
        await play(host, shapePorts.proxied, shape),
      ];
      const requests = [plain, proxied].map(({ heard }) => heard.flatMap(({ text }) => readRequests(text)));
      const answers = [plain, proxied].map(({ seen }) => readAnswers(seen.text, shape.methods ?? ['GET']));
      const differences = [
        ...differencesOf('request', requests[0] ?? [], requests[1] ?? [], added),
        ...differencesOf('answer', answers[0] ?? [], answers[1] ?? [], added),
      ];
      const key = `${kind}: ${name}`;
      expect(differences).toEqual(own.documented?.[key] ?? documented.get(key) ?? []);
    });
  });
}
