import { containersOf } from '../../pod/containers.ts';
import type { Flavour } from '../flavours/flavour.ts';
import type { PodView } from '../../pod/view.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { names, statusAnnotation } from '../../pod/conventions.ts';
import { member, type Json } from '../../json/json.ts';
import { isWindows } from '../../pod/operating-system.ts';
import { isEmptySelector, matchesLabels, type LabelSelector } from '../../pod/label-selector.ts';
import { notText, quote } from '../../grammar/problem.ts';
import type { Settings } from '../../settings/schema/configuration.ts';
import { matchesWildcard } from '../../grammar/wildcard.ts';
import { atLeastOne, reason, reasons, type Reason, type ReasonCode } from './reason.ts';
import type { Decision } from '../decision.ts';
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

type Continuing = Pick<Flavour, 'continues' | 'isForeign'>;

/** Decision of the injection policy, before the pod is checked. */
export type Policy = Pick<Decision, 'outcome' | 'reasons'>;

/** Returns all reasons for which the pod must never be injected. */
function exclusions(view: PodView, namespace: string, settings: Settings, flavour: Continuing): Reason[] {
  const found: Reason[] = [];
  if (member(view.spec, 'hostNetwork') === true) {
    const message = 'the pod uses the network of its node (hostNetwork: true), which must not be captured';
    found.push(reason('HostNetwork', message));
  }
  if (isWindows(view)) found.push(reason('WindowsPod', 'the pod runs on Windows, the proxy needs Linux'));
  if (member(view.annotations, 'kubernetes.io/config.mirror') !== undefined) {
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
  const foreign = containersOf(view).find(
    (container) => foreignProxies.has(container.name) || flavour.isForeign(container),
  )?.name;
  if (foreign !== undefined) {
    found.push(reason('ForeignProxy', `the pod has another mesh's proxy, container ${quote(foreign)}`));
  }
  const status = member(view.annotations, statusAnnotation);
  if (status !== undefined && parseStatus(status) === undefined && !flavour.continues(view)) {
    found.push(reason('ForeignStatus', `the annotation ${statusAnnotation} was written by another injector`));
  }
  return found;
}

function selects(selectors: readonly LabelSelector[], view: PodView): boolean {
  return selectors.some((selector) => !isEmptySelector(selector) && matchesLabels(selector, view.labels));
}

/** Returns the decision for one reason; its code has the outcome. */
function decided(code: ReasonCode, message: string): Policy {
  return { outcome: reasons[code].outcome, reasons: [reason(code, message)] };
}

function wish(value: Json | undefined, where: string): Policy | undefined {
  if (value === undefined) return undefined;
  if (value === 'true') return decided('OptedIn', `the pod's ${where} ${injectName} is "true"`);
  if (value === 'false') return decided('OptedOut', `the pod's ${where} ${injectName} is "false"`);
  const allowed = '"true", "false"';
  const problem = typeof value === 'string' ? `${quote(value)} is not allowed; allowed: ${allowed}` : notText(allowed);
  const message = `${where} ${injectName}: ${problem}`;
  return decided('InvalidInjectValue', message);
}

/** Returns whether the pod itself asks for injection, by label or annotation. An invalid value counts as asking. */
export function asksForInjection(view: PodView): boolean {
  const label = member(view.labels, injectName);
  const value = label ?? member(view.annotations, injectName);
  return value !== undefined && value !== 'false';
}

/**
 * Injection policy: decides about a pod that the API server has sent. First match wins:
 *
 *   never injected > paused > pod label > pod annotation > never-inject selectors > always-inject selectors > policy
 *
 * An empty selector matches nothing here (Istio's rule), so an unfinished settings file cannot switch everything off.
 */
export function decidePolicy(view: PodView, namespace: string, settings: Settings, flavour: Continuing): Policy {
  const excluded = atLeastOne(exclusions(view, namespace, settings, flavour));
  if (excluded !== undefined) return { outcome: 'skip', reasons: excluded };
  const { injection } = settings;
  if (injection.paused) return decided('Paused', 'the settings pause injection (injection.paused)');
  const asked =
    wish(member(view.labels, injectName), 'label') ?? wish(member(view.annotations, injectName), 'annotation');
  if (asked !== undefined) return asked;
  if (selects(injection.neverInjectSelector, view)) {
    return decided('NeverInjectSelector', 'a never-inject selector of the settings matches the pod');
  }
  if (selects(injection.alwaysInjectSelector, view)) {
    return decided('AlwaysInjectSelector', 'an always-inject selector of the settings matches the pod');
  }
  return injection.policy === 'enabled'
    ? decided('PolicyEnabled', 'the settings inject every pod that neither label, annotation nor selector decides')
    : decided('PolicyDisabled', 'the settings inject only pods that ask for it');
}
