import { effective, type StandaloneRow } from '../annotation.ts';
import { quantity } from '../../grammar/grammar.ts';

/** A resource of one injected container, as an annotation sets it. */
export interface ResourceAnnotation {
  readonly name: string;
  readonly container: 'proxy' | 'capture';
  readonly list: 'requests' | 'limits';
  readonly resource: 'cpu' | 'memory' | 'ephemeral-storage';
}

const istio = 'sidecar.istio.io';
const ours = 'sidecar-injector.io';

/** Istio's four for the proxy; what Istio has none for is ours: disk, and the init container apart from the proxy. */
export const resourceAnnotations: readonly ResourceAnnotation[] = (
  [
    [`${istio}/proxyCPU`, 'proxy', 'requests', 'cpu'],
    [`${istio}/proxyMemory`, 'proxy', 'requests', 'memory'],
    [`${istio}/proxyCPULimit`, 'proxy', 'limits', 'cpu'],
    [`${istio}/proxyMemoryLimit`, 'proxy', 'limits', 'memory'],
    [`${ours}/proxyEphemeralStorage`, 'proxy', 'requests', 'ephemeral-storage'],
    [`${ours}/proxyEphemeralStorageLimit`, 'proxy', 'limits', 'ephemeral-storage'],
    [`${ours}/initCPU`, 'capture', 'requests', 'cpu'],
    [`${ours}/initMemory`, 'capture', 'requests', 'memory'],
    [`${ours}/initEphemeralStorage`, 'capture', 'requests', 'ephemeral-storage'],
    [`${ours}/initCPULimit`, 'capture', 'limits', 'cpu'],
    [`${ours}/initMemoryLimit`, 'capture', 'limits', 'memory'],
    [`${ours}/initEphemeralStorageLimit`, 'capture', 'limits', 'ephemeral-storage'],
  ] as const
).map(([name, container, list, resource]) => ({ name, container, list, resource }));

/** CPU, memory and disk of what is injected. */
export const resources: readonly StandaloneRow[] = resourceAnnotations.map(({ name, container, list, resource }) =>
  effective({
    name,
    grammar: quantity,
    defaultText: `setting \`${container}.resources.${list}.${resource}\``,
    doc: `The ${container === 'proxy' ? 'proxy' : 'init container'}’s ${resource} ${list === 'requests' ? 'request' : 'limit'}; the other resources keep their values.`,
    set: (draft, value) => void (draft[container].resources[list][resource] = value),
  }),
);
