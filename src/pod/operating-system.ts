import { member, objectMember, objectsMember, stringMember, stringsMember, type JsonObject } from '../json/json.ts';
import { containersOf } from './containers.ts';
import type { PodView } from './view.ts';

/** Labels of nodes by which pods choose an operating system. */
const labels = ['kubernetes.io/os', 'beta.kubernetes.io/os'] as const;

/** Label that nodes have on Windows alone. */
const windowsBuild = 'node.kubernetes.io/windows-build';

/** The operating systems that a node may have (kubernetes/api core/v1, OSName). */
const systems = ['linux', 'windows'] as const;

type System = (typeof systems)[number];

/** Returns whether nodes of the system fulfil the requirement of a node affinity, as far as it is about systems. */
function admits(requirement: JsonObject, system: System): boolean {
  const key = stringMember(requirement, 'key') ?? '';
  const operator = stringMember(requirement, 'operator');
  if (key === windowsBuild) return system === 'windows' || operator === 'NotIn' || operator === 'DoesNotExist';
  if (!labels.some((label) => label === key)) return true;
  const values = stringsMember(requirement, 'values') ?? [];
  if (operator === 'In') return values.includes(system);
  return operator === 'NotIn' ? !values.includes(system) : true;
}

/** Returns the systems on which the pod's required node affinity lets it run: one of its terms has to hold. */
function byAffinity(view: PodView): readonly System[] {
  const affinity = objectMember(objectMember(view.spec, 'affinity'), 'nodeAffinity');
  const terms = objectsMember(
    objectMember(affinity, 'requiredDuringSchedulingIgnoredDuringExecution'),
    'nodeSelectorTerms',
    // One without requirements holds on no node.
  ).filter((term) => ['matchExpressions', 'matchFields'].some((field) => objectsMember(term, field).length > 0));
  if (terms.length === 0) return systems;
  return systems.filter((system) =>
    terms.some((term) => objectsMember(term, 'matchExpressions').every((requirement) => admits(requirement, system))),
  );
}

/** Returns what the pod says about its system in so many words: its own field, its node selector, its node affinity. */
function named(view: PodView): readonly string[] {
  const selector = objectMember(view.spec, 'nodeSelector');
  const said = [
    stringMember(objectMember(view.spec, 'os'), 'name'),
    ...labels.map((label) => stringMember(selector, label)),
    member(selector, windowsBuild) === undefined ? undefined : 'windows',
  ].filter((name) => name !== undefined);
  const possible = byAffinity(view);
  return possible.length === 1 ? [...said, ...possible] : said;
}

function hasWindowsOptions(holder: JsonObject | undefined): boolean {
  const options = objectMember(objectMember(holder, 'securityContext'), 'windowsOptions');
  return options !== undefined && Object.keys(options).some((field) => member(options, field) !== null);
}

/**
 * Returns whether the pod can run on Windows alone: it says so, or it has options for Windows and does not say that it
 * runs on Linux. A runtime class may say it too, but only the cluster knows that.
 */
export function isWindows(view: PodView): boolean {
  const said = named(view);
  if (said.includes('windows')) return true;
  if (said.includes('linux')) return false;
  return hasWindowsOptions(view.spec) || containersOf(view).some(({ raw }) => hasWindowsOptions(raw));
}
