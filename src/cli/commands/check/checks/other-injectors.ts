import { selectEntry } from '../../../../index.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import { listAll } from '../../../../kubernetes/list.ts';
import { webhookConfigurationName } from '../../../../kubernetes/names.ts';
import { annotationNames } from '../../../../pod/annotation-names.ts';
import { goodUnless, type Check } from '../finding.ts';
import { probePod } from '../probe-pod.ts';

function includes(object: JsonObject, key: string, ...wanted: readonly string[]): boolean {
  const list = member(object, key);
  return Array.isArray(list) && list.some((one: unknown) => typeof one === 'string' && wanted.includes(one));
}

function isAboutPods(webhook: JsonObject): boolean {
  return objectsMember(webhook, 'rules').some(
    (rule) => includes(rule, 'resources', 'pods', '*', '*/*', 'pods/*') && includes(rule, 'operations', 'CREATE', '*'),
  );
}

/** Whether the selectors name one of the labels by which pods ask for a sidecar. */
function namesOurLabels(webhook: JsonObject): boolean {
  const selectors = ['namespaceSelector', 'objectSelector'].map((key) => objectMember(webhook, key));
  const keys = selectors.flatMap((selector) => [
    ...Object.keys(objectMember(selector, 'matchLabels') ?? {}),
    ...objectsMember(selector, 'matchExpressions').map((one) => stringMember(one, 'key')),
  ]);
  return keys.includes(annotationNames.namespaceInjection) || keys.includes(annotationNames.inject);
}

/** Whether a pod that is ours is this webhook's as well. */
function takesOurs(webhook: JsonObject): boolean {
  const entry = {
    name: '',
    namespaceSelector: objectMember(webhook, 'namespaceSelector') ?? {},
    objectSelector: objectMember(webhook, 'objectSelector') ?? {},
  };
  const asking = { ...probePod(), metadata: { labels: { [annotationNames.inject]: 'true' } } };
  const name = { 'kubernetes.io/metadata.name': 'default' };
  return (
    selectEntry({ ...name, [annotationNames.namespaceInjection]: 'enabled' }, probePod(), [entry]).called ||
    selectEntry(name, asking, [entry]).called
  );
}

/** Two injectors that answer to one label give a pod two proxies, or leave it to chance whose it is. */
export const otherInjectorsCheck: Check = {
  id: 'other-injectors',
  title: 'no other injector answers to the same labels',
  async ask({ client }) {
    const all = await listAll(client, '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations');
    const lines = all.flatMap((configuration) => {
      const name = stringMember(objectMember(configuration, 'metadata'), 'name') ?? '';
      if (name === webhookConfigurationName) return [];
      return objectsMember(configuration, 'webhooks')
        .filter((webhook) => isAboutPods(webhook) && namesOurLabels(webhook) && takesOurs(webhook))
        .map((webhook) => `${name}, entry ${stringMember(webhook, 'name') ?? ''}`);
    });
    const hint = 'let only one of them select istio-injection=enabled; an istiod can be asked by istio.io/rev instead';
    return goodUnless(lines, { status: 'warning', hint });
  },
};
