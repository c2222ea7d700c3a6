import { runChecks } from './checks.ts';
import { runJest } from './jest.ts';
import { runMatrix } from './matrix.ts';
import { runOnNode } from './node.ts';
import type { Tier, ToolName } from './tier.ts';

/** On a cluster that somebody else started only kubectl is needed, which whoever started it has. */
const nodeTools: readonly ToolName[] =
  process.env['CLUSTER'] === 'existing'
    ? []
    : ['packages', 'node packages', 'sidecar programs', 'network namespaces', 'envoy', 'kubernetes', 'node programs'];

/** A worker for each core; Jest would leave one of them to itself, which has nothing to do. */
const everyCore: readonly string[] = ['--maxWorkers=100%'];

/** The tiers in the order in which they run: what is quick and tells most comes first. */
export const tiers: readonly Tier[] = [
  { name: 'check', needs: [], run: runChecks },
  { name: 'unit', needs: [], run: runJest, jestArguments: everyCore },
  // Some compare how long things take; what random inputs find with the seed of a whole run, they find again.
  { name: 'property', needs: [], run: runJest, jestArguments: everyCore, secondTry: true },
  { name: 'fuzz', needs: [], run: runJest, jestArguments: everyCore, secondTry: true },
  { name: 'golden', needs: [], run: runJest },
  { name: 'shell', needs: ['packages'], run: runJest },
  { name: 'browser', needs: ['browser'], run: runJest, secondTry: true },
  { name: 'http', needs: ['packages'], run: runJest, jestArguments: everyCore, secondTry: true },
  { name: 'release', needs: ['older Node', 'crane', 'actionlint'], run: runJest, secondTry: true },
  // Its files mostly wait for the cluster, each for its own.
  {
    name: 'apiserver',
    needs: ['packages', 'kubernetes', 'kustomize', 'YAML reader', 'dashboard reader'],
    run: runJest,
    jestArguments: ['--maxWorkers=3'],
    secondTry: true,
  },
  {
    name: 'sidecars',
    needs: ['packages', 'network namespaces', 'sidecar programs'],
    run: runJest,
    secondTry: true,
  },
  // Its files mostly wait, each in namespaces of its own.
  {
    name: 'dataplane',
    needs: ['packages', 'network namespaces', 'envoy'],
    run: runJest,
    jestArguments: ['--maxWorkers=3'],
    secondTry: true,
  },
  {
    name: 'mesh',
    needs: ['packages', 'network namespaces', 'envoy'],
    run: runJest,
    jestArguments: ['--maxWorkers=3'],
    secondTry: true,
  },
  // One file. The collector's build takes a minute or two.
  {
    name: 'collectors',
    needs: ['packages', 'network namespaces', 'envoy', 'collector'],
    run: runJest,
    secondTry: true,
  },
  // Scenarios that mostly wait for pods. With three at a time, the pods ask for more processors than a node of two has.
  { name: 'cluster', needs: nodeTools, run: runOnNode, jestArguments: ['--maxWorkers=2'], secondTry: true },
  { name: 'istio', needs: ['istio injector', 'envoy'], run: runJest },
  // Mostly one file, which waits for one program.
  {
    name: 'conformance',
    needs: [...nodeTools, 'gateway conformance'],
    run: runOnNode,
    secondTry: true,
    onRequest: true,
  },
  // One file, which takes the node from one control plane to the other.
  { name: 'istiod', needs: [...nodeTools, 'istiod'], run: runOnNode, onRequest: true },
  // The API server of each version is built with Go, which takes minutes.
  {
    name: 'matrix',
    needs: ['packages', 'kubernetes'],
    run: runMatrix,
    jestArguments: ['--maxWorkers=2'],
    secondTry: true,
    onRequest: true,
  },
  // The real cert-manager, of which the build takes minutes.
  {
    name: 'cert-manager',
    needs: ['packages', 'kubernetes', 'cert-manager'],
    run: runJest,
    secondTry: true,
    onRequest: true,
  },
  // Webhooks of other projects beside ours. Their builds take many minutes together.
  {
    name: 'webhooks',
    needs: ['packages', 'kubernetes', 'foreign webhooks'],
    run: runJest,
    jestArguments: ['--maxWorkers=2'],
    secondTry: true,
    onRequest: true,
  },
  // One file. The build of the real Jaeger takes minutes.
  {
    name: 'jaeger',
    needs: ['packages', 'network namespaces', 'envoy', 'collector', 'jaeger'],
    run: runJest,
    secondTry: true,
    onRequest: true,
  },
  // Each of these breaks something that all share, or measures.
  { name: 'cluster-long', needs: nodeTools, run: runOnNode, jestArguments: ['--runInBand'], onRequest: true },
];
