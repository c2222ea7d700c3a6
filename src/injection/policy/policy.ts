import { containersOf } from '../../pod/containers.ts';
import type { Flavour } from '../flavours/flavour.ts';
import type { PodView } from '../../pod/view.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { names, statusAnnotation } from '../../pod/conventions.ts';
import { member, objectMember, stringMember, type Json } from '../../json/json.ts';
import { isEmptySelector, matchesLabels, type LabelSelector } from '../../pod/label-selector.ts';
import { quote } from '../../grammar/problem.ts';
import type { Settings } from '../../settings/schema/configuration.ts';
import { matchesWildcard } from '../../grammar/wildcard.ts';
import { reason, type Reason } from './reason.ts';
import { parseStatus } from '../patch/status.ts';

/** Label (or annotation) by which a pod opts in or out. */
const injectName = annotationNames.inject;

/** Namespaces that are never injected, whatever the settings. The webhook's selectors exclude the same ones. */
export const systemNamespaces: readonly string[] = [
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
  names.namespace,
];

/** Names of containers by which other meshes' proxies are recognised. */
const foreignProxies: ReadonlySet<string> = new Set([
  'linkerd-proxy',
  'kuma-sidecar',
  'consul-dataplane',
  'consul-connect-envoy-sidecar',
]);

type Continuing = Pick<Flavour, 'continues'>;

/** Decision of the injection policy, before the pod is checked. */
export type Policy = {
  readonly outcome: 'inject' | 'skip' | 'deny';
  readonly reasons: readonly [Reason, ...Reason[]];
};

function isWindows(view: PodView): boolean {
  const selector = objectMember(view.spec, 'nodeSelector');
  return (
    stringMember(objectMember(view.spec, 'os'), 'name') === 'windows' ||
    stringMember(selector, 'kubernetes.io/os') === 'windows' ||
    stringMember(selector, 'beta.kubernetes.io/os') === 'windows'
  );
}

/** Returns all reasons for which the pod must never be injected. */
function exclusions(view: PodView, namespace: string, settings: Settings, flavour: Continuing): Reason[] {
  const found: Reason[] = [];
  if (view.spec !== undefined && member(view.spec, 'hostNetwork') === true) {
    found.push(
      reason('HostNetwork', 'the pod uses the network of its node (hostNetwork: true), which must not be captured'),
    );
  }
  if (isWindows(view)) found.push(reason('WindowsPod', 'the pod runs on Windows, the proxy needs Linux'));
  if (view.annotations !== undefined && Object.hasOwn(view.annotations, 'kubernetes.io/config.mirror')) {
    found.push(reason('MirrorPod', 'the pod mirrors a static pod of a node, which only its file can change'));
  }
  if (systemNamespaces.includes(namespace)) {
    found.push(reason('SystemNamespace', `namespace ${quote(namespace)} is never injected`));
  } else {
    const pattern = settings.injection.excludedNamespaces.find((name) => matchesWildcard(name, namespace));
    if (pattern !== undefined) {
      found.push(reason('ExcludedNamespace', `the settings exclude namespace ${quote(namespace)} (${pattern})`));
    }
  }
  const foreign = containersOf(view).find(({ name }) => foreignProxies.has(name))?.name;
  if (foreign !== undefined) {
    found.push(reason('ForeignProxy', `the pod has another mesh's proxy, container ${quote(foreign)}`));
  }
  const status = view.annotations === undefined ? undefined : member(view.annotations, statusAnnotation);
  if (status !== undefined && parseStatus(status) === undefined && !flavour.continues(view)) {
    found.push(reason('ForeignStatus', `the annotation ${statusAnnotation} was written by another injector`));
  }
  return found;
}

function selects(selectors: readonly LabelSelector[], view: PodView): boolean {
  return selectors.some((selector) => !isEmptySelector(selector) && matchesLabels(selector, view.labels));
}

function wish(value: Json | undefined, where: string): Policy | undefined {
  if (value === undefined) return undefined;
  if (value === 'true')
    return { outcome: 'inject', reasons: [reason('OptedIn', `the pod's ${where} ${injectName} is "true"`)] };
  if (value === 'false')
    return { outcome: 'skip', reasons: [reason('OptedOut', `the pod's ${where} ${injectName} is "false"`)] };
  const shown = typeof value === 'string' ? quote(value) : quote(JSON.stringify(value));
  return {
    outcome: 'deny',
    reasons: [
      reason('InvalidInjectValue', `${where} ${injectName}: ${shown} is not allowed; allowed: "true", "false"`),
    ],
  };
}

/** Returns whether the pod itself asks for injection, by label or annotation. An invalid value counts as asking. */
export function asksForInjection(view: PodView): boolean {
  const label = view.labels === undefined ? undefined : member(view.labels, injectName);
  const value = label ?? (view.annotations === undefined ? undefined : member(view.annotations, injectName));
  return value !== undefined && value !== 'false';
}

/**
 * Injection policy: decides about a pod that the API server has sent. First match wins:
 *
 *   never injected > pod label > pod annotation > never-inject selectors > always-inject selectors > policy
 *
 * An empty selector matches nothing here (Istio's rule), so an unfinished settings file cannot switch everything off.
 */
export function decidePolicy(view: PodView, namespace: string, settings: Settings, flavour: Continuing): Policy {
  const [first, ...rest] = exclusions(view, namespace, settings, flavour);
  if (first !== undefined) return { outcome: 'skip', reasons: [first, ...rest] };
  const asked =
    wish(view.labels === undefined ? undefined : member(view.labels, injectName), 'label') ??
    wish(view.annotations === undefined ? undefined : member(view.annotations, injectName), 'annotation');
  if (asked !== undefined) return asked;
  const { injection } = settings;
  if (selects(injection.neverInjectSelector, view)) {
    return {
      outcome: 'skip',
      reasons: [reason('NeverInjectSelector', 'a never-inject selector of the settings matches the pod')],
    };
  }
  if (selects(injection.alwaysInjectSelector, view)) {
    return {
      outcome: 'inject',
      reasons: [reason('AlwaysInjectSelector', 'an always-inject selector of the settings matches the pod')],
    };
  }
  return injection.policy === 'enabled'
    ? {
        outcome: 'inject',
        reasons: [
          reason('PolicyEnabled', 'the settings inject every pod that neither label, annotation nor selector decides'),
        ],
      }
    : { outcome: 'skip', reasons: [reason('PolicyDisabled', 'the settings inject only pods that ask for it')] };
}
