import { fromBinary, fromJson, type DescMessage, type JsonValue } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { describe, expect, test } from '@jest/globals';
import { captureClusters } from '../../../src/envoy/clusters.ts';
import { meshListeners } from '../../support/mesh/inbound.ts';
import { serviceListener } from '../../../src/envoy/service-listener.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { resourceTypes, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { createConstraintCheck } from '../../../src/mesh/wire/constraints.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { createMessageEncoder } from '../../../src/mesh/wire/message-encoder.ts';
import { envoyIntents } from '../../support/builders/envoy-intents.ts';

const types = loadEnvoyTypes();
const { registry } = types;
const check = createConstraintCheck(types);
const encode = createMessageEncoder(types, check);

const typeOf = (kind: Kind): DescMessage => types.message(resourceTypes[kind]);

/** Reads messages inside of others, too, which are bytes in what the library reads. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const members = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, opened(member)]));
  if (members['$typeName'] !== 'google.protobuf.Any') return members;
  const type = registry.getMessage(String(members['typeUrl']).split('/')[1] ?? '');
  return type === undefined ? members : opened(fromBinary(type, members['value'] as Uint8Array));
}

/** The message as the library reads the whole of it. */
const whole = (kind: Kind, json: JsonObject) => fromJson(typeOf(kind), json as JsonValue, { registry });

describe('bytes say what the JSON says', () => {
  test.each(Object.entries(envoyIntents))('%s', (_, intent) => {
    const traffic = { ...intent, self: { address: '10.1.2.3', name: 'web', namespace: 'shop' } };
    const place = { name: 'l', address: '10.0.0.1', port: 80, target: 'c' } as const;
    const resources: readonly (readonly [Kind, JsonObject])[] = [
      ...meshListeners(traffic).map((json) => ['listener', json] as const),
      ...captureClusters(traffic).map((json) => ['cluster', json] as const),
      ...(['http', 'detect', 'tcp'] as const).map(
        (protocol) => ['listener', serviceListener({ ...place, protocol, choice: 'any', peer: 'p' }, traffic)] as const,
      ),
    ];
    for (const [kind, json] of resources) {
      const { bytes, violations } = encode(typeOf(kind), json);
      expect(violations).toEqual([]);
      expect(opened(fromBinary(typeOf(kind), bytes))).toEqual(opened(whole(kind, json)));
      // What was remembered is the same.
      expect(encode(typeOf(kind), json).bytes).toEqual(bytes);
    }
  });
});

const tcp = (fields: JsonObject): JsonObject => ({
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  ...fields,
});

test.each<[string, Kind, JsonObject]>([
  ['a required message that is missing', 'listener', { name: 'l', address: { socket_address: { address: '::' } } }],
  [
    'a oneof without a member',
    'routes',
    { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: {} }] }] },
  ],
  ['an empty list', 'routes', { name: 'r', virtual_hosts: [{ name: 'v', domains: [] }] }],
  [
    'a part of an extension',
    'listener',
    { name: 'l', filter_chains: [{ filters: [{ name: 'f', typed_config: tcp({ cluster: 'c' }) }] }] },
  ],
  ['a duration', 'cluster', { name: 'c', outlier_detection: { interval: '0s' } }],
])('what Envoy would reject is found in parts as in the whole: %s', (_, kind, json) => {
  const { violations } = encode(typeOf(kind), json);
  const expected = check(reflect(typeOf(kind), whole(kind, json)));
  expect(expected).not.toEqual([]);
  expect(violations.map(({ path, message }) => `${path} ${message}`).toSorted()).toEqual(
    expected.map(({ path, message }) => `${path} ${message}`).toSorted(),
  );
});

test.each<[string, Kind, JsonObject, string]>([
  [
    'a field that Envoy does not have, inside',
    'listener',
    { address: { socket_address: { prt: 1 } } },
    '"prt" is unknown',
  ],
  ['two members of a oneof', 'routes', { virtual_hosts: [{ routes: [{ route: {}, redirect: {} }] }] }, 'oneof'],
  [
    'a type that Envoy does not have',
    'listener',
    { filter_chains: [{ filters: [{ typed_config: { '@type': 'x/y.Z' } }] }] },
    'x/y.Z',
  ],
  ['a list that is none', 'listener', { filter_chains: {} }, 'filter_chains'],
  ['an item that is no message', 'listener', { filter_chains: ['x'] }, 'FilterChain'],
])('it throws for %s', (_, kind, json, text) => {
  expect(() => encode(typeOf(kind), json)).toThrow(text);
});

test('one object can be messages of two types', () => {
  const shared = { name: 'x' };
  const [cluster, listener] = [encode(typeOf('cluster'), shared), encode(typeOf('listener'), shared)];
  expect(fromBinary(typeOf('cluster'), cluster.bytes)).toMatchObject({ name: 'x' });
  expect(fromBinary(typeOf('listener'), listener.bytes)).toMatchObject({ name: 'x' });
});
