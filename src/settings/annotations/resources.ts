import { annotationNames as names } from '../../pod/annotation-names.ts';
import { supported, type AnnotationRow } from '../annotation.ts';
import { quantity } from '../../grammar/grammar.ts';

/** An annotation that sets one resource of an injected container. */
export interface ResourceAnnotation {
  readonly name: string;
  readonly container: 'proxy' | 'capture';
  readonly list: 'requests' | 'limits';
  readonly resource: 'cpu' | 'memory' | 'ephemeral-storage';
}

/** Istio has four for the proxy. Ephemeral storage and the init container have annotations of our own. */
export const resourceAnnotations: readonly ResourceAnnotation[] = (
  [
    [names.proxyCPU, 'proxy', 'requests', 'cpu'],
    [names.proxyMemory, 'proxy', 'requests', 'memory'],
    [names.proxyCPULimit, 'proxy', 'limits', 'cpu'],
    [names.proxyMemoryLimit, 'proxy', 'limits', 'memory'],
    ['sidecar-injector.io/proxyEphemeralStorage', 'proxy', 'requests', 'ephemeral-storage'],
    ['sidecar-injector.io/proxyEphemeralStorageLimit', 'proxy', 'limits', 'ephemeral-storage'],
    ['sidecar-injector.io/initCPU', 'capture', 'requests', 'cpu'],
    ['sidecar-injector.io/initMemory', 'capture', 'requests', 'memory'],
    ['sidecar-injector.io/initEphemeralStorage', 'capture', 'requests', 'ephemeral-storage'],
    ['sidecar-injector.io/initCPULimit', 'capture', 'limits', 'cpu'],
    ['sidecar-injector.io/initMemoryLimit', 'capture', 'limits', 'memory'],
    ['sidecar-injector.io/initEphemeralStorageLimit', 'capture', 'limits', 'ephemeral-storage'],
  ] as const
).map(([name, container, list, resource]) => ({ name, container, list, resource }));

const note = 'any of the four takes the place of all resources of the values, in the init container too';

/** CPU, memory and disk of the injected containers. */
export const resources: readonly AnnotationRow[] = resourceAnnotations.map(({ name, container, list, resource }) =>
  supported({
    name,
    grammar: quantity,
    defaultText: `setting \`${container}.resources.${list}.${resource}\``,
    doc: `The ${container === 'proxy' ? 'proxy' : 'init container'}’s ${resource} ${list === 'requests' ? 'request' : 'limit'}; the other resources keep their values.`,
    set: (draft, value) => void (draft[container].resources[list][resource] = value),
    istiod: container === 'proxy' && resource !== 'ephemeral-storage' ? { note } : undefined,
  }),
);
