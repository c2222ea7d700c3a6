import { fromBinary, fromJson, toBinary, toJson, type DescMessage, type JsonValue } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from '../support/fast-check.ts';
import { bootstrap } from '../../src/envoy/bootstrap.ts';
import { captureListeners } from '../../src/envoy/listeners.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { anyProxyIntent } from '../support/builders/any-proxy-intent.ts';
import { envoyIntents } from '../support/builders/envoy-intents.ts';
import { differencesOf } from '../support/envoy-api/canonical-form.ts';
import { readEnvoyTypes } from '../support/envoy-api/file-descriptors.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';
import { envoyBinary } from '../support/network/envoy.ts';

/*
 * What a bootstrap is made of has to be protobuf JSON of Envoy's messages, because a control plane sends the same objects
 * in binary form. Envoy alone would not tell: YAML lets it read much that the JSON mapping of protobuf refuses.
 */

type Types = ReturnType<typeof readEnvoyTypes>;

let types: Types;
let schema: DescMessage;

beforeAll(() => {
  types = readEnvoyTypes(envoyBinary());
  const found = types.getMessage('envoy.config.bootstrap.v3.Bootstrap');
  if (found === undefined) throw new Error('this Envoy does not know its own bootstrap');
  schema = found;
});

/** A pod whose address is known, as to a control plane: what a bootstrap has in its place is no text of protobuf. */
const self = { address: '10.1.2.3', name: 'web-7f9c-x7k2p', namespace: 'shop' };

/** The object read as Envoy's message, sent in binary form, and printed again. */
function sent(object: JsonObject): JsonValue {
  const message = fromJson(schema, object as JsonValue, { registry: types });
  const received = fromBinary(schema, toBinary(schema, message));
  return toJson(schema, received, { registry: types, useProtoFieldName: true });
}

test.each(Object.entries(envoyIntents))('%s: the bootstrap is a message of Envoy, and says the same', (_, intent) => {
  const object = bootstrap(intent, self);
  expect(differencesOf(object, sent(object))).toEqual([]);
});

test(`the bootstrap of any proxy is a message of Envoy, and says the same (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(anyProxyIntent, (intent) => {
      const object = bootstrap(intent, self);
      expect(differencesOf(object, sent(object))).toEqual([]);
    }),
    { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 200) },
  );
}, 60_000);

test('so are listeners whose routes come by themselves', () => {
  const routes = { outbound: { rds: 'outbound' }, inbound: { rds: 'inbound' } };
  const object = { static_resources: { listeners: captureListeners({ ...proxyIntent(), self }, routes) } };
  expect(differencesOf(object, sent(object))).toEqual([]);
});

describe('what is not protobuf JSON is refused', () => {
  const object = bootstrap(proxyIntent(), self);

  test.each<[string, JsonObject, RegExp]>([
    ['a field that the message does not have', { statistics_config: {} }, /key "statistics_config" is unknown/],
    ['a duration as a number', { stats_flush_interval: 5 }, /google\.protobuf\.Duration from JSON: 5/],
    ['an unknown type', { default_config_source: { '@type': 'x' } }, /"@type" is unknown/],
    ['an extension of a type that Envoy has not', extensionOf('envoy.no.such.v3.Type'), /envoy\.no\.such\.v3\.Type/],
  ])('%s', (_, more, message) => {
    expect(() => sent({ ...object, ...more })).toThrow(message);
  });
});

function extensionOf(type: string): JsonObject {
  return { bootstrap_extensions: [{ name: 'x', typed_config: { '@type': `type.googleapis.com/${type}` } }] };
}
