import type { Edit } from './edit.ts';

const layer = ['test/unit/mesh/inbound-layer.test.ts'];
const changes = ['test/unit/mesh/mode-changes.test.ts'];
const modes = ['test/unit/mesh/peer-modes.test.ts'];

/** What protects pods in the mesh. */
export const guards: readonly Edit[] = [
  {
    protects: 'an object that is not understood protects as strictly as it can',
    file: 'src/mesh/rules/security/peer-authentication.ts',
    text: "mtls: { mode: 'STRICT' } }),",
    replacement: "mtls: { mode: 'UNSET' } }),",
    tests: modes,
  },
  {
    protects: 'a pod that is not known lets nobody in',
    file: 'src/mesh/serve/inbound-layer.ts',
    text: 'if (meant === undefined) close();',
    replacement: '',
    tests: layer,
  },
  {
    protects: 'what Envoy would reject closes the pod',
    file: 'src/mesh/serve/inbound-layer.ts',
    text: 'if (!put(plan)) close();',
    replacement: 'put(plan);',
    tests: layer,
  },
  {
    protects: 'what the proxy has rejected closes the pod',
    file: 'src/mesh/serve/inbound-layer.ts',
    text: '      close();\n      return changes();\n    },',
    replacement: '      return changes();\n    },',
    tests: layer,
  },
  {
    protects: 'a pod takes both while its clients change',
    file: 'src/mesh/plan/mode-change.ts',
    text: "? target : 'PERMISSIVE';",
    replacement: '? target : target;',
    tests: modes,
  },
  {
    protects: 'clients change when the proxy of the pod has acknowledged that it takes both',
    file: 'src/mesh/serve/mode-changes.ts',
    text: "if (waitsFor !== 'draining') return ofProxy(pod);",
    replacement: "if (waitsFor !== 'draining') return () => true;",
    tests: changes,
  },
  {
    protects: 'a pod refuses what they sent before when its clients have changed',
    file: 'src/mesh/serve/mode-changes.ts',
    text: "if (waitsFor === 'clients') return ofClients()(pod);",
    replacement: "if (waitsFor === 'clients') return () => true;",
    tests: changes,
  },
  {
    protects: 'replicas wait for the proxies of each other',
    file: 'src/mesh/serve/mode-reports.ts',
    text: 'one.unacknowledged[step] === 0 &&',
    replacement: 'one.unacknowledged[step] >= 0 &&',
    tests: changes,
  },
  {
    protects: 'replicas wait for each other, also if one has read an object later',
    file: 'src/mesh/serve/mode-reports.ts',
    text: 'before.every((earlier) => one.at[earlier] === 0),',
    replacement: 'before.length >= 0,',
    tests: changes,
  },
  {
    protects: 'a stream that has begun is not cut when its server closes, because clients have new connections by then',
    file: 'src/mesh/resources/service-resources.ts',
    text: "{ locality: { sub_zone: 'mesh' }, lb_endpoints: secured }",
    replacement: '{ lb_endpoints: secured }',
    tests: ['test/unit/mesh/service-resources.test.ts'],
  },
  {
    protects: 'a replica that has just started waits for connections that its predecessor ended',
    file: 'src/mesh/serve/guard-progress.ts',
    text: "return ref.kind === 'PeerAuthentication' && !one.isAtRest();",
    replacement: 'return false;',
    tests: ['test/unit/mesh/catalog.test.ts'],
  },
  {
    protects: 'the oldest object counts',
    file: 'src/mesh/plan/peer-modes.ts',
    text: 'for (const rules of byNamespace.values()) rules.sort((one, other) => byAge(one.ref, other.ref));',
    replacement: '',
    tests: modes,
  },
  {
    protects: 'a limit counts for the pods that it selects alone',
    file: 'src/mesh/plan/limit-plan.ts',
    text: '.filter(({ ref, spec }) => governs(ref.namespace, spec.selector, pod, rootNamespace))',
    replacement: '',
    tests: ['test/unit/mesh/rate-limits.test.ts'],
  },
  {
    protects: 'a replica with little memory takes no more streams',
    file: 'src/runtime/memory.ts',
    text: 'used > fullShare * most',
    replacement: 'used > most',
    tests: ['test/unit/runtime/memory.test.ts'],
  },
];
