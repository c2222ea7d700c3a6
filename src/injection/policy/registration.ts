import { viewPod, type PodView } from '../../pod/view.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { names } from '../../pod/conventions.ts';
import { member, objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { matchesLabels, type LabelSelector } from '../../pod/label-selector.ts';
import { quote } from '../../grammar/problem.ts';
import { systemNamespaces } from './policy.ts';

/** What the API server does with a pod for which no replica answers: it refuses it, or creates it without a sidecar. */
export type FailurePolicy = 'Fail' | 'Ignore';

/** Labels of a namespace that the API server itself evaluates, so that they hold while no replica answers. */
export const namespaceLabels = {
  /** A {@link FailurePolicy} for the pods of the namespace. With another value, or without the label, they have the default. */
  failurePolicy: 'sidecar-injector.io/failurePolicy',
  /** `true`: no pod of the namespace is sent to the webhook, not even one that asks. */
  paused: 'sidecar-injector.io/paused',
} as const;

/** One CEL expression of the webhook configuration, with its equivalent in code for `explain`. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
  /** Description of the case in which the condition does not hold. */
  readonly otherwise: string;
  holds(view: PodView): boolean;
}

/** One entry of the MutatingWebhookConfiguration. */
export interface RegistrationEntry {
  readonly name: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly failurePolicy: FailurePolicy;
}

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

const everywhere: readonly Requirement[] = [
  { key: namespaceLabels.paused, operator: 'NotIn', values: ['true'] },
  { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: systemNamespaces },
];

/** Namespaces with that failure policy. */
function withPolicy(policy: FailurePolicy, byDefault: FailurePolicy): Requirement {
  const other = byDefault === 'Fail' ? 'Ignore' : 'Fail';
  return { key: namespaceLabels.failurePolicy, operator: policy === other ? 'In' : 'NotIn', values: [other] };
}

/**
 * Returns the entries with their selectors: one pair for each failure policy, of which exactly one is for a namespace. At
 * most one entry of the pair matches a pod:
 *
 *   namespace istio-injection | pod: no label | inject=true | inject=false | other value
 *   enabled                   | namespace     | namespace   | -            | namespace (denied by the injection policy)
 *   absent                    | -             | object      | -            | -
 *   disabled, anything else   | -             | -           | -            | -
 *
 * Pods and namespaces with `istio.io/rev` instead belong to another control plane. The names must not end in
 * `sidecar-injector.istio.io`: a real istiod would overwrite the CA bundle of such entries.
 *
 * @param byDefault failure policy of namespaces that have no label for it
 */
export function registrationEntriesFor(byDefault: FailurePolicy): readonly RegistrationEntry[] {
  return (['Fail', 'Ignore'] as const).flatMap((failurePolicy) => {
    // The overlay fail-open replaces it by its place, the first one.
    const policy = withPolicy(failurePolicy, byDefault);
    const suffix = `${failurePolicy === 'Ignore' ? '-ignore' : ''}.sidecar-injector.io`;
    return [
      {
        name: `namespace${suffix}`,
        failurePolicy,
        namespaceSelector: {
          matchExpressions: [
            policy,
            { key: annotationNames.namespaceInjection, operator: 'In', values: ['enabled'] },
            ...everywhere,
          ],
        },
        objectSelector: { matchExpressions: [{ key: annotationNames.inject, operator: 'NotIn', values: ['false'] }] },
      },
      {
        name: `object${suffix}`,
        failurePolicy,
        namespaceSelector: {
          matchExpressions: [
            policy,
            { key: annotationNames.namespaceInjection, operator: 'DoesNotExist' },
            { key: annotationNames.revision, operator: 'DoesNotExist' },
            ...everywhere,
          ],
        },
        objectSelector: {
          matchExpressions: [
            { key: annotationNames.inject, operator: 'In', values: ['true'] },
            { key: annotationNames.revision, operator: 'DoesNotExist' },
          ],
        },
      },
    ];
  });
}

/** The entries as shipped. */
export const registrationEntries = registrationEntriesFor('Fail');

function hasInjectLabel(view: PodView): boolean {
  return member(view.labels, annotationNames.inject) !== undefined;
}

/** A pod that asks by label is sent to the webhook all the same, so that its author learns why it is not injected. */
const asks = `(has(object.metadata.labels) && '${annotationNames.inject}' in object.metadata.labels)`;

const osLabel = 'kubernetes.io/os';

/** Every optional field is guarded by has(): an evaluation error would deny the pod under failurePolicy Fail. */
export const matchConditions: readonly MatchCondition[] = [
  {
    name: 'not-host-network',
    expression: `!has(object.spec.hostNetwork) || !object.spec.hostNetwork || ${asks}`,
    otherwise: 'the pod uses the network of its node (hostNetwork: true)',
    holds: (view) => member(view.spec, 'hostNetwork') !== true || hasInjectLabel(view),
  },
  {
    name: 'not-mirror-pod',
    expression: `!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations) || ${asks}`,
    otherwise: 'the pod mirrors a static pod of a node',
    holds: (view) => member(view.annotations, 'kubernetes.io/config.mirror') === undefined || hasInjectLabel(view),
  },
  {
    name: 'not-windows',
    expression: `!has(object.spec.os) || object.spec.os.name != 'windows' || ${asks}`,
    otherwise: 'the pod says that it runs on Windows (spec.os.name)',
    holds: (view) => stringMember(objectMember(view.spec, 'os'), 'name') !== 'windows' || hasInjectLabel(view),
  },
  {
    name: 'not-for-windows-nodes',
    expression: `!has(object.spec.nodeSelector) || !('${osLabel}' in object.spec.nodeSelector) || object.spec.nodeSelector['${osLabel}'] != 'windows' || ${asks}`,
    otherwise: `the pod chooses nodes of Windows (spec.nodeSelector, ${osLabel})`,
    holds: (view) => member(objectMember(view.spec, 'nodeSelector'), osLabel) !== 'windows' || hasInjectLabel(view),
  },
];

/** Whether the API server would call the webhook for a pod, and for which entry. */
export type EntryMatch =
  | { readonly called: true; readonly entry: string }
  /** Descriptions of why each entry does not match. */
  | { readonly called: false; readonly reasons: readonly string[] };

function describeRequirement({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case 'In':
      return `${key} is ${values.map(quote).join(' or ')}`;
    case 'NotIn':
      return `${key} is not ${values.map(quote).join(' or ')}`;
    case 'Exists':
      return `${key} is there`;
    case 'DoesNotExist':
      return `${key} is absent`;
  }
}

function mismatch(selector: LabelSelector, labels: JsonObject | undefined, of: string): string | undefined {
  const exact = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) => ({ key, operator: 'In', values: [value] }) as const,
  );
  const failed = [...exact, ...(selector.matchExpressions ?? [])].find(
    (requirement) => !matchesLabels({ matchExpressions: [requirement] }, labels),
  );
  if (failed === undefined) return undefined;
  const present = member(labels, failed.key);
  const shown = typeof present === 'string' ? quote(present) : 'absent';
  return `it requires that the ${of} label ${describeRequirement(failed)}; it is ${shown}`;
}

/** Leaves out the entries for namespaces of the other failure policy, which say nothing about why a pod is not sent. */
function entriesOf(
  namespace: Readonly<Record<string, string>>,
  entries: readonly RegistrationEntry[],
): readonly RegistrationEntry[] {
  const isForOthers = ({ namespaceSelector }: RegistrationEntry): boolean =>
    (namespaceSelector.matchExpressions ?? []).some(
      (one) => one.key === namespaceLabels.failurePolicy && !matchesLabels({ matchExpressions: [one] }, namespace),
    );
  const own = entries.filter((entry) => !isForOthers(entry));
  return own.length === 0 ? entries : own;
}

/**
 * Evaluates the webhook selectors in code: returns whether the API server would call the webhook for this pod.
 *
 * @param namespace labels of the namespace; they must contain `kubernetes.io/metadata.name`, which every namespace has
 * @param entries of a registration with other selectors than the shipped ones; the shipped match conditions apply to them
 */
export function selectEntry(
  namespace: Readonly<Record<string, string>>,
  pod: JsonObject,
  entries: readonly RegistrationEntry[] = registrationEntries,
): EntryMatch {
  const view = viewPod(pod);
  const reasons: string[] = [];
  for (const entry of entriesOf(namespace, entries)) {
    const why =
      mismatch(entry.namespaceSelector, namespace, "namespace's") ??
      mismatch(entry.objectSelector, view.labels, "pod's") ??
      matchConditions.find((condition) => !condition.holds(view))?.otherwise;
    if (why === undefined) return { called: true, entry: entry.name };
    reasons.push(`entry ${entry.name} does not match: ${why}`);
  }
  return { called: false, reasons };
}

/** Returns the MutatingWebhookConfiguration as shipped. The CA bundle is left out, so that an apply never resets it. */
export function webhookConfiguration(): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'sidecar-injector' },
    webhooks: registrationEntries.map((entry) => ({
      name: entry.name,
      clientConfig: {
        service: { name: 'sidecar-injector', namespace: names.namespace, path: '/inject', port: 443 },
      },
      rules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
      ],
      namespaceSelector: entry.namespaceSelector,
      objectSelector: entry.objectSelector,
      matchConditions: matchConditions.map(({ name, expression }) => ({ name, expression })),
      admissionReviewVersions: ['v1'],
      failurePolicy: entry.failurePolicy,
      matchPolicy: 'Equivalent',
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'None',
      timeoutSeconds: 5,
    })),
  };
}
