import { asKnown } from '../../../../injection/namespace-facts.ts';
import { enforceLabel, podSecurityRemedy, refusedByPodSecurity } from '../../../../injection/pod-security.ts';
import { goodUnless, shortened, skipped, type Check } from '../finding.ts';
import { probePod } from '../probe-pod.ts';

/** In namespaces that are labelled for injection, Pod Security allows what is injected. */
export const podSecurityCheck: Check = {
  id: 'pod-security',
  title: 'Pod Security allows injected pods in every labelled namespace',
  async ask(cluster) {
    const namespaces = await cluster.selected();
    if (namespaces.length === 0) return skipped('no namespace is labelled for injection');
    const injector = await cluster.injector();
    const lines = namespaces.flatMap(({ name, labels, annotations }) => {
      const pod = probePod();
      const decision = injector.decide({ pod, namespace: name, ...asKnown({ labels, annotations }) });
      const refused = refusedByPodSecurity(pod, decision, labels);
      if (refused.length === 0) return [];
      return [`namespace ${name} enforces ${labels[enforceLabel] ?? ''}, which refuses ${refused.join(', ')}`];
    });
    return goodUnless(shortened(lines), { status: 'failed', hint: podSecurityRemedy });
  },
};
