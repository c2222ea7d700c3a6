import { annotationNames as names } from '../pod/annotation-names.ts';
import { resourceAnnotations } from './annotations/resources.ts';
import type { PodSettings } from './effective.ts';
import type { JsonObject } from '../json/json.ts';
import { quote, type Problem } from '../grammar/problem.ts';
import { parseQuantity } from '../grammar/quantity.ts';
import { balance } from '../pod/resources.ts';
import { matchesWildcard } from '../grammar/wildcard.ts';

function isAbove(value: string, bound: string): boolean {
  return (parseQuantity(value) ?? 0) > (parseQuantity(bound) ?? 0);
}

function checkCaps(draft: PodSettings, annotations: JsonObject): Problem[] {
  return resourceAnnotations.flatMap(({ name, container, list, resource }) => {
    const value = draft[container].resources[list][resource];
    const cap = draft.caps[resource];
    if (!Object.hasOwn(annotations, name) || value === undefined || cap === undefined || !isAbove(value, cap))
      return [];
    return [{ where: name, message: `${quote(value)} is above the profile's cap; allowed: at most ${cap}` }];
  });
}

/** Most verbose first. */
const talkative = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

function rank(level: string): number {
  return talkative.indexOf(level === 'warn' ? 'warning' : level);
}

function checkLogLevel(draft: PodSettings, annotations: JsonObject): Problem[] {
  const cap = draft.caps.logLevel;
  if (cap === undefined) return [];
  const components = draft.proxy.componentLogLevel.split(',').map((item) => item.split(':')[1] ?? '');
  return (
    [
      [names.logLevel, [draft.proxy.logLevel]],
      [names.componentLogLevel, components],
    ] as const
  )
    .filter(([name, levels]) => Object.hasOwn(annotations, name) && levels.some((level) => rank(level) < rank(cap)))
    .map(([where]) => ({ where, message: `is more talkative than the profile's cap; allowed: ${cap} and above` }));
}

/** Returns which of the resources the pod has set by annotations, and the names of those by list and resource. */
function askedBy(annotations: JsonObject, container: 'proxy' | 'capture') {
  const asked: Record<'requests' | 'limits', Record<string, string>> = { requests: {}, limits: {} };
  for (const row of resourceAnnotations) {
    if (row.container === container && Object.hasOwn(annotations, row.name)) asked[row.list][row.resource] = row.name;
  }
  return asked;
}

type Lists = Record<'requests' | 'limits', Record<string, string | undefined>>;

/** Resolves requests above limits: a value that the pod did not set follows the one that it did. */
function balanceResources(draft: PodSettings, annotations: JsonObject): Problem[] {
  return (['proxy', 'capture'] as const).flatMap((container) => {
    const asked = askedBy(annotations, container);
    const { requests, limits }: Lists = draft[container].resources;
    return balance({ requests, limits }, asked).map((resource) => ({
      where: asked.requests[resource] ?? '',
      message: `${quote(requests[resource] ?? '')} is above the limit ${quote(limits[resource] ?? '')}`,
    }));
  });
}

/** Whether a list of patterns, in which `*` matches any characters, allows the image. */
export function isAllowedImage(image: string, allowedImages: readonly string[]): boolean {
  return allowedImages.some((pattern) => matchesWildcard(pattern, image));
}

/** Reports annotation values above the profile's caps. */
export function checkAgainstCaps(draft: PodSettings, annotations: JsonObject): Problem[] {
  return [...checkCaps(draft, annotations), ...checkLogLevel(draft, annotations)];
}

/** A warning if the pod excludes inbound ports although only listed ones are captured, for which no exclusion is read. */
export function idleExclusion(annotations: JsonObject | undefined): string[] {
  const name = names.excludeInboundPorts;
  if (annotations === undefined || !Object.hasOwn(annotations, name)) return [];
  return [`annotation ${quote(name)} has no effect: exactly the ports that includeInboundPorts lists are captured`];
}

/** Reports values outside the operator's bounds and invalid combinations. May adjust defaults of the draft. */
export function checkCombinations(
  draft: PodSettings,
  base: PodSettings,
  annotations: JsonObject,
  allowedImages: readonly string[],
): Problem[] {
  const problems: Problem[] = [];
  if (draft.proxy.image !== base.proxy.image && !isAllowedImage(draft.proxy.image, allowedImages)) {
    problems.push({
      where: names.proxyImage,
      message: `${quote(draft.proxy.image)} is not allowed; allowed: ${base.proxy.image}${allowedImages.map((image) => `, ${image}`).join('')}`,
    });
  }
  problems.push(...checkAgainstCaps(draft, annotations), ...balanceResources(draft, annotations));
  return problems;
}
