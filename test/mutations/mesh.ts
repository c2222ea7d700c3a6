import type { Edit } from './edit.ts';

const listeners = ['test/unit/envoy/listeners.test.ts'];
const plan = { file: 'src/mesh/plan/service-plan.ts', tests: ['test/unit/mesh/service-plan.test.ts'] };
const told = { file: 'src/envoy/traffic-metadata.ts', tests: ['test/property/mesh/traffic-metadata.test.ts'] };

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
  {
    protects: 'keys are not compressed with what others can choose',
    file: 'src/mesh/serve/capture-sets.ts',
    text: 'owner === ownerOf.secrets || ',
    replacement: '',
    tests: ['test/unit/mesh/session.test.ts'],
  },
  {
    protects: 'a proxy cannot send messages without end',
    file: 'src/mesh/serve/grpc-stream.ts',
    text: 'length > mostBytes',
    replacement: 'false',
    tests: ['test/http/mesh-messages.test.ts'],
  },
  {
    protects: 'a proxy that does not read is disconnected when its stream has ended',
    file: 'src/mesh/serve/ads-server.ts',
    text: '    closeAfter(partingMs.all);\n',
    replacement: '',
    tests: ['test/http/mesh-messages.test.ts'],
  },
];
