import type { Edit } from './edit.ts';

const listeners = ['test/unit/envoy/listeners.test.ts'];
const plan = { file: 'src/mesh/plan/service-plan.ts', tests: ['test/unit/mesh/service-plan.test.ts'] };
const told = { file: 'src/envoy/traffic-metadata.ts', tests: ['test/property/mesh/traffic-metadata.test.ts'] };

const token = { file: 'src/mesh/identity/token.ts', tests: ['test/unit/mesh/token.test.ts'] };
const authenticator = { file: 'src/mesh/identity/authenticator.ts', tests: ['test/unit/mesh/authenticator.test.ts'] };
const authority = { file: 'src/mesh/identity/authority-secret.ts', tests: ['test/unit/mesh/authority-secret.test.ts'] };
const rotation = { file: 'src/mesh/identity/root-rotation.ts', tests: ['test/unit/mesh/root-rotation.test.ts'] };
const given = { file: 'src/mesh/identity/mesh-authority.ts', tests: ['test/unit/mesh/given-authority.test.ts'] };
const certificates = {
  file: 'src/mesh/serve/workload-certificates.ts',
  tests: ['test/unit/mesh/workload-certificates.test.ts'],
};
const resources = ['test/unit/mesh/service-resources.test.ts'];

/** Who gets in by mutual TLS, and where clients are sent. */
export const mesh: readonly Edit[] = [
  {
    protects: 'an object is not in force while proxies of other replicas do not hold it',
    file: 'src/mesh/report/object-status.ts',
    text: '(holding < proxies || !doOthersHold)',
    replacement: 'holding < proxies',
    tests: ['test/unit/mesh/rule-status.test.ts'],
  },
  {
    protects: 'a replica that does not answer, or has read other objects, holds none',
    file: 'src/mesh/serve/guard-reports.ts',
    text: 'one?.guards === guards && !one.unheld.includes(uid)',
    replacement: '!one?.unheld.includes(uid)',
    tests: ['test/unit/mesh/guard-reports.test.ts'],
  },
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
    text: 'endpoints.filter(({ pod }) => hasLabels(pod?.labels, labels))',
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
  {
    protects: 'a token is verified by the algorithm of its key',
    ...token,
    text: 'if (key.asymmetricKeyType !== keyType)',
    replacement: 'if (false)',
  },
  {
    protects: 'a token of megabytes is not looked at',
    ...authenticator,
    text: 'if (token.length > longestToken)',
    replacement: 'if (false)',
  },
  {
    protects: 'keys that are withdrawn are of no use for long',
    ...authenticator,
    text: 'if (clock().getTime() - refreshedMs > keysMs)',
    replacement: 'if (false)',
  },
  {
    protects: 'an error of the API server does not quote a token',
    file: 'src/mesh/identity/token-review.ts',
    text: "'invalid', 'refused', 'conflict', 'server-error', 'bad-answer'",
    replacement: "'not-found'",
    tests: authenticator.tests,
  },
  {
    protects: 'whatever stands beside the certificate of an authority stays where it is',
    ...authority,
    text: 'return { certificate: certificate.toString(), privateKey };',
    replacement: 'return { certificate: text, privateKey };',
  },
  {
    protects: 'an authority has its own key',
    ...authority,
    text: 'if (!certificate.checkPrivateKey(key))',
    replacement: 'if (false)',
  },
  {
    protects: 'an authority has not expired',
    ...authority,
    text: 'return validToDate > now ? undefined :',
    replacement: 'return validToDate > new Date(0) ? undefined :',
  },
  {
    protects: 'no phase of a rotation ends before proxies that are away have no certificate any more',
    ...rotation,
    text: 'if (facts.ageMs < leastMs) {',
    replacement: 'if (false) {',
  },
  {
    protects: 'no phase of a rotation ends before all connected proxies have accepted it',
    ...rotation,
    text: 'holding === proxies && silentReplicas === 0',
    replacement: 'true',
  },
  {
    protects: 'a root that most proxies do not accept never signs',
    ...rotation,
    text: 'holding > proxies / 2 || proxies === 0',
    replacement: 'true',
  },
  {
    protects: 'roots that have signed stay known when another authority signs',
    ...rotation,
    text: '[...state.previous, ...state.current.roots]',
    replacement: '[] as string[]',
  },
  {
    protects: 'an authority that somebody has put into the Secret signs nothing at once',
    ...rotation,
    text: 'stored.generation === state.generation && state.current.roots.every',
    replacement: 'state.current.roots.every',
  },
  {
    protects: 'one wrong clock ends no authority',
    ...rotation,
    text: 'notBeforeMs <= latestMs && notAfterMs > earliestMs',
    replacement: 'notBeforeMs <= earliestMs && notAfterMs > latestMs',
  },
  {
    protects: 'an authority that is given has its own key',
    ...given,
    text: 'if (!certificate.checkPrivateKey(key))',
    replacement: 'if (false)',
  },
  {
    protects: 'an authority that is given leads to a root that proxies get',
    ...given,
    text: 'if (path === undefined) throw new Error(',
    replacement:
      'if (path === undefined) return authorityOf(certificate, privateKey.text, [certificate], known); else if (false) throw new Error(',
  },
  {
    protects: 'a proxy counts as done only with a certificate of the authority that signs',
    ...certificates,
    text: 'kept.signer === identity.signer && session.holdsSecrets()',
    replacement: 'session.holdsSecrets()',
  },
  {
    protects: 'a certificate is renewed before it ends, also when a clock is moved',
    ...certificates,
    text: 'facts, renewal).due',
    replacement: 'facts, renewal).due && signer !== identity.signer',
  },
  {
    protects: 'a pod is of the mesh by the mount of its proxy',
    file: 'src/mesh/world/pod.ts',
    text: 'name === names.proxyContainer &&',
    replacement: '',
    tests: ['test/unit/mesh/service-plan.test.ts', 'test/unit/injection/mesh.test.ts'],
  },
  {
    protects: 'an address that several pods have is nobody’s',
    ...plan,
    text: "others.length > 0 || only?.plainPorts === 'all'",
    replacement: "only?.plainPorts === 'all'",
  },
  {
    protects: 'slices of other namespaces do not say which Services a pod has',
    file: 'src/mesh/plan/own-services.ts',
    text: 'service.namespace !== namespace || ',
    replacement: '',
    tests: ['test/unit/mesh/own-services.test.ts'],
  },
  {
    protects: "a pod's own proxy keeps its token",
    file: 'src/injection/flavours/standalone/validation.ts',
    text: '    ...tokenProblems(ownProxy, effective),\n',
    replacement: '',
    tests: ['test/unit/injection/mesh.test.ts'],
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
  {
    protects: 'a policy that is not understood denies',
    file: 'src/mesh/rules/security/authorization-policy.ts',
    text: "=== 'AUDIT' ? 'AUDIT' : 'DENY'",
    replacement: "=== 'AUDIT' ? 'AUDIT' : 'ALLOW'",
    tests: ['test/unit/mesh/authorization-policy.test.ts'],
  },
  {
    protects: 'text of a policy stays a text in expressions',
    file: 'src/mesh/resources/access/connection-gate.ts',
    text: '/[^A-Za-z0-9_./: -]/gu',
    replacement: '/[^ -~]/gu',
    tests: ['test/unit/mesh/access.test.ts'],
  },
  {
    protects: 'a long list of a policy is several expressions, of which one that fails is neither',
    file: 'src/mesh/resources/access/connection-gate.ts',
    text: 'const longest = 50_000;',
    replacement: 'const longest = 5_000_000;',
    tests: ['test/unit/mesh/access.test.ts'],
  },
  {
    protects: 'what a pod says to an operator has an end',
    file: 'src/cli/commands/mesh/status/pod-pages.ts',
    text: 'found.length >= limits.series || ',
    replacement: '',
    tests: ['test/unit/cli/mesh-status.test.ts'],
  },
  {
    protects: 'a ServiceAccount is not one whose name only ends alike',
    file: 'src/mesh/resources/access/identities.ts',
    text: '`/ns/${value.replace',
    replacement: '`${value.replace',
    tests: ['test/unit/mesh/access.test.ts'],
  },
];
