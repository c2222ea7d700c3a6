import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { clientResources } from '../../../src/mesh/explain/client-resources.ts';
import { kinds } from '../../../src/mesh/resources/kinds.ts';
import { createCatalog } from '../../../src/mesh/serve/catalog.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { noPeers } from '../../../src/mesh/serve/mode-reports.ts';
import * as fc from '../../support/fast-check.ts';
import { cart, pod, rule } from '../../support/mesh/cart-objects.ts';
import { clientOf, explained, knownOf } from '../../support/mesh/explained.ts';
import { randomRules } from '../../support/mesh/random-calls.ts';
import { serviceWithEndpoints } from '../../support/mesh/random-objects.ts';
import { eventOf } from '../../support/mesh/world-events.ts';

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 40);
const encoder = createEncoder(loadEnvoyTypes());
const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };
const labels = { app: 'cart', version: 'v1' };
const web = pod('web', '10.0.0.9', 'v1');

/** Versions of what the control plane sends to a proxy that starts, by kind and name; not what is about connections to its pod. */
function sent(objects: readonly JsonObject[]): ReadonlyMap<string, string> {
  const never = (): void => undefined;
  const catalog = createCatalog({
    encoder,
    domains,
    nowMs: () => 0,
    after: () => never,
    refused: never,
    converged: never,
    noticed: never,
    stepped: never,
    peerReports: () => noPeers,
  });
  catalog.apply(objects.map((object) => eventOf(object, true)));
  const { target } = catalog.join(clientOf(knownOf(objects), 'shop', labels).traffic, '1.40', {
    party: 'shop',
    changed: never,
    holds: never as () => undefined,
    owes: () => true,
    isInSync: () => false,
    holdsAll: () => false,
    isReady: () => false,
  });
  return new Map(
    kinds.flatMap((kind) =>
      [...target[kind].keys()]
        .filter((name) => !['virtualInbound', 'inbound'].includes(name))
        .map((name) => [`${kind} ${name}`, target[kind].get(name)?.version ?? ''] as const),
    ),
  );
}

test('what is walked is what the control plane sends', () => {
  const objects = fc
    .tuple(randomRules, serviceWithEndpoints)
    .map(([rules, more]) => [web, ...rules, ...more] as readonly JsonObject[]);
  fc.assert(
    fc.property(objects, (all) => {
      const known = knownOf(all);
      const walked = clientResources(known, clientOf(known, 'shop', labels)).toReversed();
      const versions = walked.map((one) => {
        const encoded = encoder.encode(one);
        return [`${one.kind} ${one.name}`, 'version' in encoded ? encoded.version : ''] as const;
      });
      expect(Object.fromEntries(versions)).toEqual(Object.fromEntries(sent(all)));
    }),
    { numRuns },
  );
});

const namespace = fc.constantFrom('shop', 'web', 'istio-system', 'other');
const host = fc.constantFrom('cart.shop.svc.cluster.local', '*.shop.svc.cluster.local', '*.cluster.local');
const exportTo = fc.constantFrom([], ['.'], ['*'], ['web']);
const age = fc.integer({ min: 1, max: 9 });
const destination = { host: 'cart.shop.svc.cluster.local' };
const trafficPolicy = { loadBalancer: { simple: 'RANDOM' } };
const http = [{ route: [{ destination }] }];

const someRules = fc
  .array(
    fc.record({
      kind: fc.constantFrom('VirtualService', 'DestinationRule', 'HTTPRoute'),
      namespace,
      host,
      exportTo,
      age,
      port: fc.constantFrom(80, 81, undefined),
      gateways: fc.constantFrom(undefined, ['mesh'], ['a/b']),
    }),
    { maxLength: 6 },
  )
  .map((all) =>
    all.map((one, index) => {
      const parentRefs = [{ group: '', kind: 'Service', namespace: 'shop', name: 'cart', port: one.port }];
      const backendRefs = [{ name: 'cart', namespace: 'shop', port: 80 }];
      const specs: Readonly<Record<string, object>> = {
        VirtualService: { hosts: [one.host], exportTo: one.exportTo, gateways: one.gateways, http },
        DestinationRule: { host: one.host, exportTo: one.exportTo, trafficPolicy },
        HTTPRoute: { parentRefs, rules: [{ backendRefs }] },
      };
      const spec = JSON.parse(JSON.stringify(specs[one.kind])) as JsonObject;
      return rule(one.kind, `rule-${index}`, spec, one.namespace, one.age);
    }),
  );

test('every object about the Service either decides, or is named with a reason why it does not', () => {
  fc.assert(
    fc.property(someRules, fc.constantFrom('shop', 'web'), (rules, from) => {
      const { route, clusters, remarks } = explained([...cart, ...rules], { host: destination.host, from });
      const nameOf = (ref: { readonly kind: string; readonly namespace: string; readonly name: string }): string =>
        `${ref.kind} ${ref.namespace}/${ref.name}`;
      const deciding = new Set(
        [route?.origin, ...clusters.flatMap(({ origins }) => origins)].flatMap((origin) =>
          origin === undefined ? [] : [nameOf(origin.ref)],
        ),
      );
      const passed = new Set(remarks.filter(({ effect }) => effect !== 'warning').map(({ ref }) => nameOf(ref)));
      expect([...deciding].filter((one) => passed.has(one))).toEqual([]);
      const all = rules.map((one) =>
        nameOf({ ...(one['metadata'] as { namespace: string; name: string }), kind: one['kind'] as string }),
      );
      const unnamed = all.filter((one) => !deciding.has(one) && !passed.has(one));
      // Of several routes that are attached to the port, the first that matches decides on this request.
      expect(unnamed.filter((one) => !one.startsWith('HTTPRoute '))).toEqual([]);
      if (route?.origin?.ref.kind !== 'HTTPRoute') expect(unnamed).toEqual([]);
    }),
    { numRuns: numRuns * 50 },
  );
});
