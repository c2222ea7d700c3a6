import { registrationChanges, registrationFaults } from '../../../live/registration.ts';
import type { Check } from '../finding.ts';

/** The registration is there, its entries can be called, and it is the shipped one. */
export const registrationCheck: Check = {
  id: 'registration',
  title: 'the registration has all entries, each with a CA bundle',
  async ask(cluster) {
    const found = await cluster.registration();
    const hint =
      'apply the manifests of the installation again; a bundle is written within seconds by a running replica';
    if (found === undefined) {
      return { status: 'failed', lines: ['there is no MutatingWebhookConfiguration sidecar-injector'], hint };
    }
    const faults = registrationFaults(found);
    if (faults.length > 0) return { status: 'failed', lines: faults, hint };
    const changes = registrationChanges(found).map(({ what }) => what);
    if (changes.length === 0) return { status: 'good', lines: [] };
    return { status: 'warning', lines: changes, hint: 'compare with deploy/base/mutating-webhook-configuration.yaml' };
  },
};
