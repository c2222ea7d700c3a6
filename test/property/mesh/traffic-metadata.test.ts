import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { metadataKey, readTrafficMetadata, trafficMetadata } from '../../../src/envoy/traffic-metadata.ts';
import { isObject, type Json, type JsonObject } from '../../../src/json/json.ts';
import { planService } from '../../../src/mesh/plan/service-plan.ts';
import { openInbound } from '../../support/mesh/inbound.ts';
import { inboundResources, outboundResources } from '../../../src/mesh/resources/proxy-resources.ts';
import { serviceListeners } from '../../../src/mesh/resources/service-listeners.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

/*
 * A proxy tells its settings itself, and whoever has the token of a pod may tell anything: it is refused, or it becomes a
 * configuration of that pod that Envoy accepts. Nothing of it stops the control plane.
 */

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 1000);
const encoder = createEncoder(loadEnvoyTypes());
const self = { address: '10.0.0.1', name: 'web', namespace: 'shop' };

const tracing = { host: 'collector.example', port: 4317, samplingPercent: 1 };
const written: readonly JsonObject[] = [
  trafficMetadata(proxyIntent()),
  trafficMetadata(
    proxyIntent({ tracing, accessLog: 'file', httpInboundPorts: [9000], opaqueInboundPorts: [9001], families: ['v4'] }),
  ),
];

const plan = planService(
  worldOf([
    {
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'cart' },
      spec: {
        clusterIP: '10.96.0.5',
        clusterIPs: ['10.96.0.5', 'fd96::5'],
        ports: [{ name: 'http', port: 80 }, { port: 81 }],
      },
    },
  ]),
  'shop/cart',
  { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
);

/** Paths of all members, at any depth. */
function pathsOf(value: Json): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [[], ...Object.entries(value).flatMap(([key, item]) => pathsOf(item as Json).map((path) => [key, ...path]))];
}

function replaced(value: Json, path: readonly string[], by: Json | undefined): Json | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return by;
  const inner = replaced((value as JsonObject)[first] as Json, rest, by);
  if (Array.isArray(value)) return value.map((item: Json, index) => (String(index) === first ? (inner ?? null) : item));
  const others = Object.entries(value as JsonObject).filter(([key]) => key !== first);
  return Object.fromEntries(inner === undefined ? others : [...others, [first, inner]]);
}

const told = fc
  .constantFrom(...written)
  .chain((one) =>
    fc.tuple(fc.constant(one), fc.constantFrom(...pathsOf(one)), fc.option(fc.jsonValue(), { nil: undefined })),
  )
  .map(([one, path, by]) => replaced(one, path, by as Json | undefined));

test('what an injector has written is read', () => {
  for (const one of written) {
    const read = readTrafficMetadata({ [metadataKey]: JSON.parse(JSON.stringify(one)) as Json }, self);
    expect(read === undefined ? undefined : trafficMetadata(read)).toEqual(one);
  }
});

test(`what a proxy tells is refused, or makes a valid configuration (seed ${fc.seed})`, () => {
  let refused = 0;
  fc.assert(
    fc.property(told, (metadata) => {
      const traffic = readTrafficMetadata(metadata === undefined ? {} : { [metadataKey]: metadata }, self);
      if (traffic === undefined) {
        refused += 1;
        return;
      }
      const listeners = plan === undefined ? [] : serviceListeners(plan, traffic);
      for (const resource of [
        ...outboundResources(traffic),
        ...inboundResources(traffic, openInbound, 'cluster.local'),
        ...listeners,
      ]) {
        expect(encoder.encode(resource)).not.toHaveProperty('violations');
      }
    }),
    { numRuns },
  );
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBeLessThan(numRuns);
});

test.each<[string, JsonObject]>([
  ['metadata without members', {}],
  ['lists that take long', { httpPorts: Array.from({ length: 5_000 }, () => ({ first: 1, last: 2 })) }],
])('%s is refused', (_, proxy) => {
  const [one] = written;
  const own = isObject(one) && isObject(one['proxy']) ? one['proxy'] : {};
  const changed = Object.keys(proxy).length === 0 ? {} : { ...one, proxy: { ...own, ...proxy } };
  expect(readTrafficMetadata({ [metadataKey]: changed }, self)).toBeUndefined();
});

test('nothing of it is longer than a name, or reaches the listeners that others share', () => {
  const [plain] = written as [JsonObject];
  const told = (more: JsonObject, path: 'proxy' | 'workload'): JsonObject => ({
    [metadataKey]: { ...plain, [path]: { ...(plain[path] as JsonObject), ...more } },
  });
  const long = 'x'.repeat(254);
  expect(readTrafficMetadata(told({ name: long }, 'workload'), self)).toBeUndefined();
  expect(readTrafficMetadata(told({ tracing: { ...tracing, host: long } }, 'proxy'), self)).toBeUndefined();
  expect(
    readTrafficMetadata(told({ metrics: { istio: true, x: 'x'.repeat(262_144) } }, 'proxy'), self),
  ).toBeUndefined();
  const [extra, usual] = [told({ maxConnections: 1 }, 'proxy'), { [metadataKey]: plain }];
  expect(readTrafficMetadata(extra, self)).toEqual(readTrafficMetadata(usual, self));
});
