import type { Problem } from '../../grammar/problem.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { PodContainer } from '../../pod/containers.ts';
import { proxyUser, type ProxyIdentity } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import { annotationTable } from '../../settings/annotation-table.ts';
import { draftOf, type PodSettings } from '../../settings/effective.ts';
import { captureIntent } from '../../sidecars/standalone/capture-intent.ts';
import { planProbes } from './probes.ts';

const message = "changes what is captured, which the pod's profile fixes; leave it out";

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
}

/**
 * What of the pod changes the rules, where its profile has `caps.capture: fixed`. The rules themselves are compared,
 * whatever they come from, with those that the same containers get without a word of the pod's.
 */
export function fixedCaptureProblems(
  view: PodView,
  { base, effective, identity, containers, recordedProbes }: CaptureInput,
): Problem[] {
  if (base.caps.capture !== 'fixed') return [];
  const rulesOf = (settings: PodSettings, user: ProxyIdentity): string =>
    JSON.stringify(captureIntent(settings, user, planProbes(containers, settings, recordedProbes).exclude) ?? null);
  const fixed = rulesOf(base, proxyUser);
  if (rulesOf(effective, identity) === fixed) return [];
  const responsible = annotationTable.filter(({ name, kind, apply }) => {
    const value = kind === 'annotation' ? stringMember(view.annotations, name) : undefined;
    if (value === undefined || apply === undefined) return false;
    const alone = draftOf(base);
    apply(value, alone);
    return rulesOf(alone, proxyUser) !== fixed;
  });
  if (responsible.length === 0) return [{ where: 'the pod', message: `${message.split(';', 1)[0]}` }];
  return responsible.map(({ name }) => ({ where: name, message }));
}
