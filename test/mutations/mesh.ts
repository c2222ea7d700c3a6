import type { Edit } from './edit.ts';

const listeners = ['test/unit/envoy/listeners.test.ts'];
const plan = { file: 'src/mesh/plan/service-plan.ts', tests: ['test/unit/mesh/service-plan.test.ts'] };
const told = { file: 'src/envoy/traffic-metadata.ts', tests: ['test/property/mesh/traffic-metadata.test.ts'] };

const resources = ['test/unit/mesh/service-resources.test.ts'];

/** Who gets in by mutual TLS, and where clients are sent. */
export const mesh: readonly Edit[] = [
  {
    protects: 'nobody comes by mutual TLS without a certificate',
    file: 'src/envoy/mesh-tls.ts',
    text: 'require_client_certificate: true,',
    replacement: '',
    tests: listeners,
  },
  {
    protects: 'a trust domain that only begins like the own one is another one',
    file: 'src/envoy/listeners.ts',
    text: 'prefix: `spiffe://${trustDomain}/`',
    replacement: 'prefix: `spiffe://${trustDomain}`',
    tests: listeners,
  },
  {
    protects: 'only who comes by mutual TLS has itself named to the application',
    file: 'src/envoy/http.ts',
    text: "forward_client_cert_details: 'APPEND_FORWARD'",
    replacement: "forward_client_cert_details: 'ALWAYS_FORWARD_ONLY'",
    tests: listeners,
  },
  {
    protects: 'mutual TLS with endpoints of which none is known to take it accepts nobody',
    file: 'src/envoy/service-cluster.ts',
    text: "identities.length === 0 ? ['spiffe://nobody'] : identities",
    replacement: 'identities',
    tests: resources,
  },
  {
    protects: 'a server outside the mesh has the name that is asked for',
    file: 'src/envoy/mesh-tls.ts',
    text: 'names ?? (sni === undefined ? [] : [sni])',
    replacement: 'names ?? []',
    tests: resources,
  },
  {
    protects: 'a subset accepts the identities of its own endpoints alone',
    file: 'src/mesh/resources/service-resources.ts',
    text: 'endpoints.filter(({ pod }) => hasLabels(pod, labels))',
    replacement: 'endpoints',
    tests: resources,
  },
  {
    protects: 'mutual TLS is not sent to a port that passes by the proxy',
    ...plan,
    text: ' && !hasPort(plainPorts, port)',
    replacement: '',
  },
  {
    protects: 'an address leads to endpoints of its own family',
    ...plan,
    text: 'endpoints.filter((one) => familyOf(one.address) === family)',
    replacement: 'endpoints',
  },
  {
    protects: 'terminating endpoints are used where there are no others',
    ...plan,
    text: "one.health === 'draining' ? { ...one, health: 'healthy' } : one",
    replacement: 'one',
  },
  {
    protects: 'endpoints of other nodes are not called where a Service forbids it',
    ...plan,
    text: ' || service.isNodeLocal',
    replacement: '',
  },
  {
    protects: 'what a proxy tells is checked',
    ...told,
    text: 'if (!isTold(metadata[metadataKey])) return undefined;',
    replacement: '',
  },
  {
    protects: 'lists of a proxy have an end',
    ...told,
    text: ' && value.length <= mostPorts',
    replacement: '',
  },
];
