import { mountAdditions, variableAdditions, volumeAdditions } from '../additions.ts';
import { effective, type StandaloneRow } from '../annotation.ts';

/** What a pod adds to the proxy's container. */
export const additions: readonly StandaloneRow[] = [
  effective({
    name: 'sidecar.istio.io/userVolume',
    grammar: volumeAdditions,
    defaultText: 'none',
    doc: 'Further volumes for the proxy. No hostPath, and no Secret: an annotation makes no new reference to one.',
    set: (draft, value) => void (draft.proxy.additions = { ...draft.proxy.additions, volumes: value }),
  }),
  effective({
    name: 'sidecar.istio.io/userVolumeMount',
    grammar: mountAdditions,
    defaultText: 'none',
    doc: 'Where the proxy mounts those volumes, or volumes that the pod has anyway.',
    set: (draft, value) => void (draft.proxy.additions = { ...draft.proxy.additions, volumeMounts: value }),
  }),
  effective({
    name: 'sidecar-injector.io/proxyEnv',
    grammar: variableAdditions,
    defaultText: 'none',
    doc: 'Further environment variables of the proxy, after its own.',
    set: (draft, value) => void (draft.proxy.additions = { ...draft.proxy.additions, env: value }),
  }),
];
