import { viewPod, type PodView } from '../../pod/view.ts';
import { names } from '../../pod/conventions.ts';
import { member, type JsonObject } from '../../json/json.ts';
import { matchesLabels, type LabelSelector } from '../../pod/label-selector.ts';
import { quote } from '../../grammar/problem.ts';
import { injectName, systemNamespaces } from './policy.ts';

/** One CEL expression of the webhook configuration and the same in code, for `explain`. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
  /** Words for the case that it does not hold. */
  readonly otherwise: string;
  holds(view: PodView): boolean;
}

/** One entry of the MutatingWebhookConfiguration. */
export interface RegistrationEntry {
  readonly name: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
}

const notSystem = {
  key: 'kubernetes.io/metadata.name',
  operator: 'NotIn',
  values: systemNamespaces,
} as const;

/**
 * The two entries, gate 1. At most one of them matches a pod:
 *
 *   namespace istio-injection | pod: no label | inject=true | inject=false | other value
 *   enabled                   | namespace     | namespace   | -            | namespace (refused by gate 2)
 *   absent                    | -             | object      | -            | -
 *   disabled, anything else   | -             | -           | -            | -
 *
 * What carries `istio.io/rev` instead is another control plane's. The names must not end in
 * `sidecar-injector.istio.io`: a real istiod would overwrite the CA bundle of such entries.
 */
export const registrationEntries: readonly RegistrationEntry[] = [
  {
    name: 'namespace.sidecar-injector.io',
    namespaceSelector: {
      matchExpressions: [{ key: 'istio-injection', operator: 'In', values: ['enabled'] }, notSystem],
    },
    objectSelector: { matchExpressions: [{ key: injectName, operator: 'NotIn', values: ['false'] }] },
  },
  {
    name: 'object.sidecar-injector.io',
    namespaceSelector: {
      matchExpressions: [
        { key: 'istio-injection', operator: 'DoesNotExist' },
        { key: 'istio.io/rev', operator: 'DoesNotExist' },
        notSystem,
      ],
    },
    objectSelector: {
      matchExpressions: [
        { key: injectName, operator: 'In', values: ['true'] },
        { key: 'istio.io/rev', operator: 'DoesNotExist' },
      ],
    },
  },
];

function hasInjectLabel(view: PodView): boolean {
  return view.labels !== undefined && Object.hasOwn(view.labels, injectName);
}

/** A pod that asks by label is called for all the same, so that it hears why it is not injected. */
const asks = `(has(object.metadata.labels) && '${injectName}' in object.metadata.labels)`;

/** Every optional field is guarded by has(): an evaluation error would refuse the pod under failurePolicy Fail. */
export const matchConditions: readonly MatchCondition[] = [
  {
    name: 'not-host-network',
    expression: `!has(object.spec.hostNetwork) || !object.spec.hostNetwork || ${asks}`,
    otherwise: 'the pod uses the network of its node (hostNetwork: true)',
    holds: (view) => view.spec === undefined || member(view.spec, 'hostNetwork') !== true || hasInjectLabel(view),
  },
  {
    name: 'not-mirror-pod',
    expression: `!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations) || ${asks}`,
    otherwise: 'the pod mirrors a static pod of a node',
    holds: (view) =>
      view.annotations === undefined ||
      !Object.hasOwn(view.annotations, 'kubernetes.io/config.mirror') ||
      hasInjectLabel(view),
  },
];

export type EntryMatch =
  | { readonly called: true; readonly entry: string }
  /** Why each entry does not match, in words. */
  | { readonly called: false; readonly reasons: readonly string[] };

function describeRequirement({
  key,
  operator,
  values = [],
}: NonNullable<LabelSelector['matchExpressions']>[number]): string {
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
  const failed = (selector.matchExpressions ?? []).find(
    (requirement) => !matchesLabels({ matchExpressions: [requirement] }, labels),
  );
  if (failed === undefined) return undefined;
  const present = labels === undefined ? undefined : member(labels, failed.key);
  const shown = typeof present === 'string' ? quote(present) : 'absent';
  return `it wants that the ${of} label ${describeRequirement(failed)}; it is ${shown}`;
}

/**
 * The webhook selectors in code: whether the API server would call the webhook for this pod, with the shipped registration.
 * `namespaceLabels` must hold `kubernetes.io/metadata.name`, which every namespace carries.
 */
export function selectEntry(namespaceLabels: Readonly<Record<string, string>>, pod: JsonObject): EntryMatch {
  const view = viewPod(pod);
  const reasons: string[] = [];
  for (const entry of registrationEntries) {
    const why =
      mismatch(entry.namespaceSelector, namespaceLabels, "namespace's") ??
      mismatch(entry.objectSelector, view.labels, "pod's") ??
      matchConditions.find((condition) => !condition.holds(view))?.otherwise;
    if (why === undefined) return { called: true, entry: entry.name };
    reasons.push(`entry ${entry.name} does not match: ${why}`);
  }
  return { called: false, reasons };
}

/** The MutatingWebhookConfiguration as it is shipped; the CA bundle is left out, so that no apply ever resets it. */
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
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'None',
      timeoutSeconds: 5,
    })),
  };
}
