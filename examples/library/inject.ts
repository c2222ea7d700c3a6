// The engine as a library: decide about one pod and show what would change. Run it with the Node 24 of the checkout:
//   npx node examples/library/inject.ts
import { createSnapshot, decide } from 'sidecar-injector';

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
