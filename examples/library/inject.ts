// The engine as a library: decide about one pod and show what would change. In the checkout, with Node 24:
//   npx node examples/library/inject.ts
// Elsewhere, with Node 20 or later: run `npm pack` in the checkout, `npm install` the file that it writes, and import from
// 'sidecar-injector'.
import { createSnapshot, decide } from '../../src/index.ts';

const result = createSnapshot();
if ('problems' in result) {
  throw new Error(result.problems.map(({ where, message }) => `${where}: ${message}`).join('\n'));
}

const pod = {
  metadata: { name: 'web', annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '5432' } },
  spec: { containers: [{ name: 'web', image: 'nginx:1.29', ports: [{ containerPort: 80 }] }] },
};

const decision = decide({ pod, namespace: 'default' }, result.snapshot);
console.log(`${decision.outcome}: ${decision.reasons.map(({ code }) => code).join(', ')}`);
for (const { op, path } of decision.operations) console.log(`${op} ${path}`);
