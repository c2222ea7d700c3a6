import type { Problem } from '../../grammar/problem.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { PodContainer } from '../../pod/containers.ts';
import { proxyUser, type ProxyIdentity } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import { annotationTable } from '../../settings/annotation-table.ts';
import { draftOf, type PodSettings } from '../../settings/effective.ts';
import { captureIntent } from '../../sidecars/standalone/capture-intent.ts';
import { planProbes } from './probes.ts';
import type { StartedBefore } from './start-order.ts';

/**
 * Says what changes the capture that a profile fixes: the annotations of the pod that do so alone, else the pod.
 *
 * @param rules of the pod as it came, and of one that says nothing
 * @param names the pod's annotations that may matter
 * @param rulesWith the rules of a pod that has this annotation alone
 */
export function captureChanges(
  rules: { readonly actual: string; readonly fixed: string },
  names: readonly string[],
  rulesWith: (name: string) => string,
): Problem[] {
  if (rules.actual === rules.fixed) return [];
  const message = "changes what is captured, which the pod's profile fixes";
  const responsible = names.filter((name) => rulesWith(name) !== rules.fixed);
  if (responsible.length === 0) return [{ where: 'the pod', message }];
  return responsible.map((where) => ({ where, message: `${message}; leave it out` }));
}

/** What decides about the rules of one pod. */
interface CaptureInput {
  /** What the profile gives a pod that says nothing. */
  readonly base: PodSettings;
  /** What this pod gets. */
  readonly effective: PodSettings;
  readonly identity: ProxyIdentity;
  /** Containers whose probes the rules may have to let pass. */
  readonly containers: readonly PodContainer[];
  /** Original actions of probes that an earlier injection has rewritten. */
  readonly recordedProbes: JsonObject;
  /** Containers that start before the proxy with these settings. */
  readonly startedBefore: (settings: PodSettings) => StartedBefore;
}

/**
 * What of the pod changes the rules, where its profile has `caps.capture: fixed`. The rules themselves are compared,
 * whatever they come from, with those that the same containers get without a word of the pod's.
 */
export function fixedCaptureProblems(
  view: PodView,
  { base, effective, identity, containers, recordedProbes, startedBefore }: CaptureInput,
): Problem[] {
  if (base.caps.capture !== 'fixed') return [];
  const rulesOf = (settings: PodSettings, user: ProxyIdentity): string => {
    const { exclude } = planProbes(containers, settings, recordedProbes, startedBefore(settings));
    return JSON.stringify(captureIntent(settings, user, exclude) ?? null);
  };
  const asked = annotationTable.filter(
    ({ name, kind }) => kind === 'annotation' && stringMember(view.annotations, name) !== undefined,
  );
  const rules = { actual: rulesOf(effective, identity), fixed: rulesOf(base, proxyUser) };
  const rulesWith = (name: string): string => {
    const alone = draftOf(base);
    asked.find((row) => row.name === name)?.apply?.(stringMember(view.annotations, name) ?? '', alone);
    return rulesOf(alone, proxyUser);
  };
  return captureChanges(
    rules,
    asked.map(({ name }) => name),
    rulesWith,
  );
}
