import { inflateSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from '@jest/globals';
import { resourceTypes, typeUrl } from '../../../src/mesh/resources/kinds.ts';
import { createResponseWriter, type DiscoveryResponse } from '../../../src/mesh/wire/discovery.ts';
import { createEncoder, type EncodedResource } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';

const types = loadEnvoyTypes();
const encoder = createEncoder(types);

function cluster(name: string, connect_timeout = '1s'): EncodedResource {
  const encoded = encoder.encode({ kind: 'cluster', name, json: { name, connect_timeout } });
  if ('violations' in encoded) throw new Error(encoded.violations[0]?.message);
  return encoded;
}

const clusters = Array.from({ length: 400 }, (_, index) => cluster(`c${index}`));

function response(more: Partial<DiscoveryResponse> = {}): DiscoveryResponse {
  return { typeUrl: typeUrl('cluster'), nonce: '7', shared: [], own: [], removed: [], ...more };
}

interface Read {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly {
    readonly name: string;
    readonly version: string;
    readonly resource: { readonly typeUrl: string };
  }[];
  readonly removedResources: readonly string[];
}

function read(pieces: readonly Uint8Array[]): Read {
  return fromBinary(
    types.message('envoy.service.discovery.v3.DeltaDiscoveryResponse'),
    Buffer.concat(pieces),
  ) as unknown as Read;
}

test('a message says the same, plain and compressed', () => {
  const own = [cluster('own')];
  const message = createResponseWriter()(response({ shared: clusters.slice(0, 50), own, removed: ['gone', 'too'] }));
  const plain = read(message.plain());
  expect(plain).toEqual(read([inflateSync(Buffer.concat(message.deflated()))]));
  expect(plain).toMatchObject({ typeUrl: typeUrl('cluster'), nonce: '7', removedResources: ['gone', 'too'] });
  expect(plain.resources.map(({ name }) => name).toSorted()).toEqual(
    [...clusters.slice(0, 50).map(({ name }) => name), 'own'].toSorted(),
  );
  expect(plain.resources[0]?.version).toBe(clusters[0]?.version);
  expect(plain.resources[0]?.resource.typeUrl).toBe(`type.googleapis.com/${resourceTypes.cluster}`);
});

/** How many bytes of a message are not those of another. */
function fresh(message: readonly Uint8Array[], other: readonly Uint8Array[]): number {
  const known = new Set(other);
  return message.filter((piece) => !known.has(piece)).reduce((sum, { length }) => sum + length, 0);
}

test('messages with the same resources share their bytes, whatever else is in them', () => {
  const write = createResponseWriter();
  const first = write(response({ shared: clusters }));
  const second = write(response({ shared: clusters, nonce: '8', own: [cluster('own')], removed: ['gone'] }));
  expect(fresh(second.deflated(), first.deflated())).toBeLessThan(250);
  expect(fresh(second.plain(), first.plain())).toBeLessThan(250);
});

test('a resource that is new, missing or other costs little of what is shared', () => {
  const write = createResponseWriter();
  const all = write(response({ shared: clusters })).deflated();
  const size = all.reduce((sum, { length }) => sum + length, 0);
  for (const shared of [
    [cluster('new'), ...clusters],
    clusters.toSpliced(200, 1),
    clusters.with(300, cluster('c300', '2s')),
  ])
    expect(fresh(write(response({ shared })).deflated(), all)).toBeLessThan(size / 2);
});

test('what is a stream’s own is not compressed', () => {
  const own = [cluster('own'), cluster('own')];
  const message = Buffer.concat(createResponseWriter()(response({ own })).deflated());
  expect(message.includes(Buffer.concat(own.map(({ bytes }) => bytes)))).toBe(true);
});
