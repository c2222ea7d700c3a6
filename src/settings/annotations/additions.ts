import { annotationNames as names } from '../../pod/annotation-names.ts';
import { mountAdditions, variableAdditions, volumeAdditions } from '../additions.ts';
import { supported, type AnnotationRow } from '../annotation.ts';
import { objectsByName } from './istio-grammars.ts';

/** Additions of a pod to the proxy's container. */
export const additions: readonly AnnotationRow[] = [
  supported({
    name: names.userVolume,
    grammar: volumeAdditions,
    defaultText: 'none',
    doc: 'Further volumes for the proxy. No hostPath, and no Secret: an annotation makes no new reference to one. `projected` takes only configMap and downwardAPI as its sources.',
    set: (draft, value) => void (draft.proxy.additions = { ...draft.proxy.additions, volumes: value }),
    istiod: { grammar: objectsByName, note: 'a JSON object by name, with any source' },
  }),
  supported({
    name: names.userVolumeMount,
    grammar: mountAdditions,
    defaultText: 'none',
    doc: 'Where the proxy mounts those volumes, or volumes that the pod has anyway.',
    set: (draft, value) => void (draft.proxy.additions = { ...draft.proxy.additions, volumeMounts: value }),
    istiod: { grammar: objectsByName, note: 'a JSON object by name of the volume' },
  }),
  supported({
    name: 'sidecar-injector.io/proxyEnv',
    grammar: variableAdditions,
    defaultText: 'none',
    doc: 'Further environment variables of the proxy, after its own.',
    set: (draft, value) => void (draft.proxy.additions = { ...draft.proxy.additions, env: value }),
  }),
];
