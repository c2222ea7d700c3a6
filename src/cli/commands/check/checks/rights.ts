import type { JsonObject } from '../../../../json/json.ts';
import { objectMember, stringMember } from '../../../../json/json.ts';
import { secretName, webhookConfigurationName } from '../../../../kubernetes/names.ts';
import type { Cluster } from '../cluster.ts';
import { goodUnless, skipped, type Check } from '../finding.ts';

/** ResourceAttributes of a SubjectAccessReview; without a namespace they mean all of them. */
interface Right {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

const group = 'admissionregistration.k8s.io';

/** To manage certificates, and to know what namespaces say. */
const needed = (namespace: string): readonly Right[] => [
  { verb: 'get', resource: 'secrets', name: secretName, namespace },
  { verb: 'update', resource: 'secrets', name: secretName, namespace },
  { verb: 'get', group, resource: 'mutatingwebhookconfigurations', name: webhookConfigurationName },
  { verb: 'patch', group, resource: 'mutatingwebhookconfigurations', name: webhookConfigurationName },
  { verb: 'list', resource: 'namespaces' },
  { verb: 'watch', resource: 'namespaces' },
];

/** To say on owners of pods what became of them. */
const forEvents: readonly Right[] = [{ verb: 'create', group: 'events.k8s.io', resource: 'events' }];

async function missingOf(
  rights: readonly Right[],
  { namespace, account }: { readonly namespace: string; readonly account: string },
  { client }: Pick<Cluster, 'client'>,
): Promise<readonly string[]> {
  const isAllowed = async (resourceAttributes: Right): Promise<boolean> => {
    const { body } = await client.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${namespace}:${account}`,
        groups: ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${namespace}`],
        resourceAttributes: resourceAttributes as unknown as JsonObject,
      },
    });
    return objectMember(body, 'status')?.['allowed'] === true;
  };
  const answers = await Promise.all(rights.map(isAllowed));
  return rights
    .filter((_, index) => answers[index] !== true)
    .map(({ verb, resource, name = '' }) =>
      `ServiceAccount ${namespace}/${account} may not ${verb} ${resource} ${name}`.trimEnd(),
    );
}

/** The injector may do what it needs. Without Events it works, but its users learn less. */
export const rightsCheck: Check = {
  id: 'rights',
  title: "the injector's ServiceAccount has the rights that it needs",
  async ask(cluster) {
    const found = await cluster.deployed();
    if (typeof found === 'string') return skipped(found);
    if (!(await cluster.isSelfManaged())) return skipped('its certificates are managed by others, so it needs none');
    const { namespace } = found;
    const who = { namespace, account: stringMember(found.spec, 'serviceAccountName') ?? 'default' };
    const settings = await cluster.settings();
    const wantsEvents = 'snapshot' in settings && settings.snapshot.settings.events.enabled;
    const failed = await missingOf(needed(namespace), who, cluster);
    const untold = wantsEvents ? await missingOf(forEvents, who, cluster) : [];
    const hint = 'apply deploy/base/rbac.yaml again';
    if (failed.length > 0) return goodUnless([...failed, ...untold], { status: 'failed', hint });
    const or = `${hint}, or switch Events off with events: {enabled: false} in the settings`;
    return goodUnless(untold, { status: 'warning', hint: or });
  },
};
