import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import { anyContainer, anyCopy, someOf } from './any-container.ts';

/** Name of the template of the values that all settings have. */
export const customTemplate = 'custom';

/** The same container with less to say: what it must have comes from the pod or another template. */
function piece(name: string): fc.Arbitrary<JsonObject> {
  return anyCopy(name, false).map((copy) =>
    Object.fromEntries(Object.entries(copy).filter(([key]) => key !== 'image')),
  );
}

const own = fc.constantFrom('a', 'b', 'istio-proxy', 'istio-init').chain(piece);
const containers = fc.uniqueArray(fc.oneof(own, own, anyContainer('extra')), {
  maxLength: 2,
  selector: (one) => one['name'],
});
const initContainers = fc.uniqueArray(
  fc.oneof(fc.constantFrom('i', 'istio-init').chain(piece), anyContainer('first')),
  {
    maxLength: 1,
  },
);

const spec = someOf({
  containers: containers.map((list): Json => list),
  initContainers: initContainers.map((list): Json => list),
  volumes: fc.constantFrom<Json>(
    [{ name: 'data', emptyDir: {} }],
    [{ name: 'workload-socket', csi: { driver: 'csi.spiffe.io', readOnly: true } }],
    [{ name: 'config', $patch: 'delete' }],
  ),
  imagePullSecrets: fc.constantFrom<Json>([{ name: 'custom' }], [{ name: 'own' }]),
  hostAliases: fc.constant([{ ip: '10.0.0.2', hostnames: ['b'] }]),
  tolerations: fc.constant([{ key: 'x', operator: 'Exists' }]),
  nodeSelector: fc.constant({ disk: 'ssd' }),
  dnsConfig: fc.constantFrom<Json>({ searches: ['x.example'] }, null),
  securityContext: fc.constantFrom<Json>({ fsGroup: 1337 }, { runAsUser: null }),
  terminationGracePeriodSeconds: fc.constantFrom(45, null),
  priorityClassName: fc.constant('high'),
});

const metadata = someOf({
  labels: someOf({ app: fc.constantFrom('w', null), 'example.com/added': fc.constant('yes') }),
  annotations: someOf({
    'prometheus.io/port': fc.constantFrom('8080', null),
    'prometheus.io/scrape': fc.constantFrom('true', 'false'),
    'prometheus.istio.io/merge-metrics': fc.constant('false'),
    'sidecar.istio.io/rewriteAppHTTPProbers': fc.constantFrom('true', 'false'),
    'status.sidecar.istio.io/port': fc.constant('15999'),
    'example.com/note': fc.constantFrom('template', null),
  }),
});

/** The text of a template of Istio's values, without actions. */
export const anyTemplate: fc.Arbitrary<string> = someOf({ metadata, spec }).map((made) => JSON.stringify(made));
