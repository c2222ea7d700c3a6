import type { Edit } from './edit.ts';

const tests = ['test/unit/mesh/istio/virtual-service.test.ts'];

/** What the owner of a traffic rule cannot do to the proxies of others. */
export const rules: readonly Edit[] = [
  {
    protects: 'values of headers read no files of the proxies of clients',
    file: 'src/mesh/rules/istio/header-changes.ts',
    text: "if (!rest.includes('%')) return undefined;",
    replacement: 'return undefined;',
    tests,
  },
  {
    protects: 'a condition whose name schemas do not see does not let in more',
    file: 'src/mesh/rules/reading.ts',
    text: "if (key === '__proto__') return",
    replacement: "if (key === '') return",
    tests: ['test/unit/mesh/unreadable-names.test.ts'],
  },
  {
    protects: 'no rule says where a message ends, so that its rest would be another one',
    file: 'src/mesh/rules/istio/header-changes.ts',
    text: '!framing.has(text.toLowerCase())',
    replacement: 'true',
    tests,
  },
  {
    protects: 'expressions that Envoy rejects are refused before',
    file: 'src/mesh/rules/istio/values.ts',
    text: "if ('problem' in read) context.addIssue({ code: 'custom', message: read.problem, input: text });",
    replacement: '',
    tests,
  },
  {
    protects: 'a subset that does not exist keeps the last good routes',
    file: 'src/mesh/plan/istio-destination.ts',
    text: 'subset !== undefined && !context.hasSubset(backend)',
    replacement: 'false',
    tests: ['test/unit/mesh/istio/virtual-service-routes.test.ts'],
  },
  {
    protects: 'routes for other clients are not for all',
    file: 'src/mesh/plan/virtual-service-routes.ts',
    text: 'match.sourceNamespace !== view.namespace',
    replacement: 'false',
    tests: ['test/unit/mesh/istio/virtual-service-routes.test.ts'],
  },
  {
    protects: 'one endpoint of few can be ejected',
    file: 'src/mesh/plan/destination-policy.ts',
    text: 'ejectsOneAlways: maxEjectionPercent === 0',
    replacement: 'ejectsOneAlways: false',
    tests: ['test/unit/mesh/istio/destination-policy.test.ts'],
  },
  {
    protects: 'who deletes subsets that are named is warned',
    file: 'src/mesh/report/analysis.ts',
    text: 'others.get(key) === rule ? []',
    replacement: 'others.has(key) === world.rules.DestinationRule.has(key) ? []',
    tests: ['test/unit/mesh/rule-admission.test.ts'],
  },
  {
    protects: 'a refused route is not called accepted because an earlier version stays',
    file: 'src/mesh/plan/gateway-parents.ts',
    text: 'refused.length === 0',
    replacement: 'refused.length === 0 || keptGeneration !== undefined',
    tests: ['test/unit/mesh/rule-status.test.ts'],
  },
  {
    protects: 'Events have names that the API server takes',
    file: 'src/runtime/rule-status.ts',
    text: "replace(/[.-]+$/, '')}-`",
    replacement: "replace(/[.-]+$/, '')}.`",
    tests: ['test/unit/mesh/rule-status.test.ts'],
  },
  {
    protects: 'clients of which a subset is known only elsewhere have a view of their own',
    file: 'src/mesh/plan/service-traffic.ts',
    text: 'namesOf(rule.ref.kind, rule).backends',
    replacement: '[]',
    tests: ['test/unit/mesh/service-traffic.test.ts'],
  },
];
