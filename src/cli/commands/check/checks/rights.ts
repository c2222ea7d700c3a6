import { objectMember, stringMember } from '../../../../json/json.ts';
import { secretName, webhookConfigurationName } from '../../../../kubernetes/names.ts';
import { goodUnless, skipped, type Check } from '../finding.ts';

const group = 'admissionregistration.k8s.io';

/** The injector may do what it needs to manage its certificates, and to know what namespaces say. */
export const rightsCheck: Check = {
  id: 'rights',
  title: "the injector's ServiceAccount has the rights that it needs",
  async ask(cluster) {
    const found = await cluster.deployed();
    if (typeof found === 'string') return skipped(found);
    if (!(await cluster.isSelfManaged())) return skipped('its certificates are managed by others, so it needs none');
    const { namespace } = found;
    const account = stringMember(found.spec, 'serviceAccountName') ?? 'default';
    const wanted = [
      { verb: 'get', resource: 'secrets', name: secretName, namespace },
      { verb: 'update', resource: 'secrets', name: secretName, namespace },
      { verb: 'get', group, resource: 'mutatingwebhookconfigurations', name: webhookConfigurationName },
      { verb: 'patch', group, resource: 'mutatingwebhookconfigurations', name: webhookConfigurationName },
      { verb: 'list', resource: 'namespaces', name: '' },
      { verb: 'watch', resource: 'namespaces', name: '' },
    ];
    const answers = await Promise.all(
      wanted.map(async (resourceAttributes) => {
        const { body } = await cluster.client.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: `system:serviceaccount:${namespace}:${account}`,
            groups: ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${namespace}`],
            resourceAttributes,
          },
        });
        return objectMember(body, 'status')?.['allowed'] === true ? undefined : resourceAttributes;
      }),
    );
    const lines = answers.flatMap((missing) =>
      missing === undefined
        ? []
        : [
            `ServiceAccount ${namespace}/${account} may not ${missing.verb} ${missing.resource} ${missing.name}`.trimEnd(),
          ],
    );
    return goodUnless(lines, { status: 'failed', hint: 'apply deploy/base/rbac.yaml again' });
  },
};
