import { applyToValue } from '../../../../json/apply.ts';
import { isObject, objectMember } from '../../../../json/json.ts';
import { refusedByPodSecurity } from '../../../../pod/security.ts';
import { goodUnless, shortened, skipped, type Check } from '../finding.ts';
import { probePod } from '../probe-pod.ts';

/** Label by which a namespace enforces a level of the Pod Security Standards. */
export const enforceLabel = 'pod-security.kubernetes.io/enforce';

/** In namespaces that are labelled for injection, Pod Security allows what is injected. */
export const podSecurityCheck: Check = {
  id: 'pod-security',
  title: 'Pod Security allows injected pods in every labelled namespace',
  async ask(cluster) {
    const namespaces = await cluster.selected();
    if (namespaces.length === 0) return skipped('no namespace is labelled for injection');
    const injector = await cluster.injector();
    const lines = namespaces.flatMap(({ name, labels, annotations }) => {
      const level = labels[enforceLabel];
      if (level !== 'baseline' && level !== 'restricted') return [];
      const pod = probePod();
      const { operations } = injector.decide({ pod, namespace: name, namespaceAnnotations: annotations });
      const changed = applyToValue(pod, operations);
      const spec = isObject(changed) ? objectMember(changed, 'spec') : undefined;
      const refused = spec === undefined ? [] : refusedByPodSecurity(spec, level);
      if (refused.length === 0) return [];
      const what = refused.map((one) => `${one.where}: ${one.what}`).join(', ');
      return [`namespace ${name} enforces ${level}, which refuses ${what}`];
    });
    const hint =
      'sidecar.istio.io/interceptionMode: NONE on the pods, a node agent that captures (deploy/overlays/cni), or the level privileged';
    return goodUnless(shortened(lines), { status: 'failed', hint });
  },
};
