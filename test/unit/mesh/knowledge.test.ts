import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import {
  compareKnowledge,
  createDigests,
  readKnowledge,
  writeKnowledge,
  type KindKnowledge,
  type Knowledge,
} from '../../../src/mesh/serve/knowledge.ts';
import { readEndpointSlice } from '../../../src/mesh/world/endpoint-slice.ts';
import { applyEvents, emptyWorld } from '../../../src/mesh/world/world.ts';
import { askPeers, knowledgePath, peerAddresses } from '../../../src/runtime/mesh-peers.ts';

const fresh = new Set<never>();

const change = (name: string, version: string | undefined) => ({
  key: `shop/${name}`,
  object: version === undefined ? undefined : { metadata: { uid: `uid-${name}`, resourceVersion: version } },
});

describe('a digest', () => {
  test('is that of the objects that are there, whatever happened before', () => {
    const event = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2', undefined));
    fc.assert(
      fc.property(fc.array(fc.array(event, { maxLength: 4 }), { maxLength: 8 }), (portions) => {
        const [once, inOrder] = [createDigests(['pod'], () => 0), createDigests(['pod'], () => 0)];
        const last = new Map<string, string | undefined>();
        for (const portion of portions) {
          inOrder.note(
            'pod',
            portion.map(([name, version]) => change(name, version)),
          );
          for (const [name, version] of portion) last.set(name, version);
        }
        once.note(
          'pod',
          [...last]
            .toReversed()
            .filter(([, version]) => version !== undefined)
            .map(([name, version]) => change(name, version)),
        );
        expect(inOrder.knowledge(fresh).get('pod')?.digest).toBe(once.knowledge(fresh).get('pod')?.digest);
      }),
    );
  });

  test('differs if a version does, if an object is missing, and between names', () => {
    const digestOf = (...changes: readonly ReturnType<typeof change>[]) => {
      const digests = createDigests(['pod'], () => 0);
      digests.note('pod', changes);
      return digests.knowledge(fresh).get('pod')?.digest;
    };
    const all = [digestOf(), digestOf(change('a', '1')), digestOf(change('a', '2')), digestOf(change('b', '1'))];
    expect(new Set(all).size).toBe(4);
  });

  test('tells how long nothing has changed', () => {
    let nowMs = 0;
    const digests = createDigests(['pod', 'service'], () => nowMs);
    nowMs = 5_000;
    digests.note('pod', [change('a', '1')]);
    nowMs = 7_900;
    const knowledge = digests.knowledge(new Set(['service'] as const));
    expect([...knowledge].map(([kind, { quietSeconds, isStale }]) => [kind, quietSeconds, isStale])).toEqual([
      ['pod', 2, false],
      ['service', 7, true],
    ]);
  });
});

describe('of two replicas', () => {
  const know = (digest: string, more: Partial<KindKnowledge> = {}): Knowledge =>
    new Map([['pod', { digest, quietSeconds: 60, isStale: false, ...more }]]);

  test.each<[string, Knowledge, readonly Knowledge[], readonly string[], readonly string[]]>([
    ['equal ones are', know('1'), [know('1')], [], []],
    ['one that is stale and differs is behind', know('1', { isStale: true }), [know('2')], ['pod'], []],
    ['one that is stale and does not differ is not', know('1', { isStale: true }), [know('1')], [], []],
    ['stale ones are equally old', know('1', { isStale: true }), [know('2', { isStale: true })], [], []],
    ['one that is alone is never behind', know('1', { isStale: true }), [], [], []],
    ['different ones are told if nothing changes', know('1'), [know('1'), know('2')], [], ['pod']],
    ['one that has just changed may be ahead', know('1', { quietSeconds: 29 }), [know('2')], [], []],
    ['one whose peer has just changed may be late', know('1'), [know('2', { quietSeconds: 29 })], [], []],
    ['a fresh one does not mind a stale one', know('1'), [know('2', { isStale: true })], [], []],
    ['a kind that the other does not know is not compared', know('1', { isStale: true }), [new Map()], [], []],
  ])('%s', (_, own, peers, behind, divergent) => {
    expect(compareKnowledge(own, peers)).toEqual({ behind, divergent });
  });
});

test('what a replica writes is what its peer reads', () => {
  const digests = createDigests(['pod', 'slice'], () => 0);
  digests.note('pod', [change('a', '1')]);
  const knowledge = digests.knowledge(new Set(['slice'] as const));
  expect(readKnowledge(writeKnowledge(knowledge))).toEqual(knowledge);
});

test.each([
  '',
  '[]',
  '1',
  '{"pod":1}',
  '{"pod":{"digest":"1","quietSeconds":"1","isStale":true}}',
  '{"pod":{"digest":"1"}}',
])('an answer that is %p is none', (text) => {
  expect(readKnowledge(text)).toBeUndefined();
});

describe('peers', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  async function serve(status: number, text: string, host: string, port = 0): Promise<number> {
    const server = createServer((request, response) => {
      response.writeHead(request.url === knowledgePath ? status : 404).end(text);
    });
    server.listen(port, host);
    await once(server, 'listening');
    cleanups.push(() => void server.close());
    return (server.address() as AddressInfo).port;
  }

  test('are those of the Service, each once', () => {
    const slice = readEndpointSlice({
      metadata: { namespace: 'system', name: 'mesh-1', labels: { 'kubernetes.io/service-name': 'mesh' } },
      endpoints: [
        { addresses: ['10.0.0.1'] },
        { addresses: ['10.0.0.2'], conditions: { ready: false } },
        { addresses: ['10.0.0.1'] },
      ],
    });
    const { world } = applyEvents(emptyWorld, [{ kind: 'slice', key: slice.key, value: slice }]);
    expect(peerAddresses(world, 'system/mesh')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(peerAddresses(world, 'system/other')).toEqual([]);
  });

  test('that answer are compared; others count for nothing', async () => {
    const told = '{"pod":{"digest":"2","quietSeconds":60,"isStale":false}}';
    const port = await serve(200, told, '127.0.0.1');
    await serve(503, told.replace('"2"', '"3"'), '127.0.0.2', port);
    await serve(200, `${told}${' '.repeat(20_000)}`, '127.0.0.3', port);
    const own = (digest: string) => (): Knowledge => new Map([['pod', { digest, quietSeconds: 60, isStale: true }]]);
    const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
    expect(await askPeers({ addresses, port, own: own('1') })).toEqual({ behind: [], divergent: [] });
    addresses.push('127.0.0.1');
    expect(await askPeers({ addresses, port, own: own('1') })).toEqual({ behind: ['pod'], divergent: [] });
    expect(await askPeers({ addresses, port, own: own('2') })).toEqual({ behind: [], divergent: [] });
  });
});
