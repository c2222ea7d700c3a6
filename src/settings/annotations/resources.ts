import { effective, type AnnotationRow } from '../annotation.ts';
import { quantity } from '../grammar.ts';

/** CPU and memory of what is injected. */
export const resources: readonly AnnotationRow[] = (
  [
    ['sidecar.istio.io/proxyCPU', 'requests', 'cpu', '100m'],
    ['sidecar.istio.io/proxyMemory', 'requests', 'memory', '128Mi'],
    ['sidecar.istio.io/proxyCPULimit', 'limits', 'cpu', '2'],
    ['sidecar.istio.io/proxyMemoryLimit', 'limits', 'memory', '1Gi'],
  ] as const
).map(([name, list, resource, defaultText]) =>
  effective({
    name,
    grammar: quantity,
    defaultText: `setting \`proxy.resources.${list}.${resource}\` (${defaultText})`,
    doc: `The proxy’s ${resource} ${list === 'requests' ? 'request' : 'limit'}; the other resources keep their values.`,
    set: (draft, value) => void (draft.proxy.resources[list][resource] = value),
  }),
);
