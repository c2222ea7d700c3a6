import { annotationTable } from './annotation-table.ts';
import { draftOf, type Effective } from './effective.ts';
import type { JsonObject } from './json.ts';
import { quote, type Problem } from './problem.ts';
import { parseQuantity } from './quantity.ts';
import { didYouMean } from './suggestion.ts';
import { matchesWildcard } from './wildcard.ts';

const rows = new Map(annotationTable.map((row) => [row.name, row]));

/** Annotations of these prefixes that are read or written elsewhere, or that Istio's own agent reads. */
const alsoKnown = new Set(['sidecar.istio.io/inject', 'sidecar.istio.io/status', 'sidecar-injector.io/profile']);

/** A suggestion costs some comparisons of every name, and a body has room for a hundred thousand misspelt ones. */
const mostGuesses = 16;

const ourPrefixes = [
  'sidecar.istio.io/',
  'traffic.sidecar.istio.io/',
  'readiness.status.sidecar.istio.io/',
  'status.sidecar.istio.io/',
  'inject.istio.io/',
  'sidecar-injector.io/',
] as const;

export interface PodSettings {
  readonly effective: Effective;
  /** Every bad value of the pod. With any, the effective settings must not be used. */
  readonly problems: readonly Problem[];
  /** What was read but has no effect, for warnings. */
  readonly remarks: readonly string[];
}

function checkResources(draft: Effective, annotations: JsonObject): Problem[] {
  const problems: Problem[] = [];
  const { requests, limits } = draft.proxy.resources;
  for (const [resource, requestName, limitName] of [
    ['cpu', 'sidecar.istio.io/proxyCPU', 'sidecar.istio.io/proxyCPULimit'],
    ['memory', 'sidecar.istio.io/proxyMemory', 'sidecar.istio.io/proxyMemoryLimit'],
  ] as const) {
    const request = requests[resource];
    const limit = limits[resource];
    const cap = draft.caps[resource];
    for (const [name, value] of [
      [requestName, request],
      [limitName, limit],
    ] as const) {
      if (!Object.hasOwn(annotations, name) || value === undefined || cap === undefined) continue;
      if ((parseQuantity(value) ?? 0) > (parseQuantity(cap) ?? 0)) {
        problems.push({ where: name, message: `${quote(value)} is above the profile's cap; allowed: at most ${cap}` });
      }
    }
    if (request === undefined || limit === undefined) continue;
    if ((parseQuantity(request) ?? 0) <= (parseQuantity(limit) ?? 0)) continue;
    if (Object.hasOwn(annotations, limitName) && !Object.hasOwn(annotations, requestName)) {
      // The user lowered the limit below a default that they never saw: the default follows.
      requests[resource] = limit;
    } else if (Object.hasOwn(annotations, requestName) && !Object.hasOwn(annotations, limitName)) {
      limits[resource] = request;
    } else if (Object.hasOwn(annotations, requestName)) {
      problems.push({ where: requestName, message: `${quote(request)} is above the limit ${quote(limit)}` });
    }
  }
  return problems;
}

/** Whether an operator's list (`*` for any rest) allows the image. */
export function isAllowedImage(image: string, allowedImages: readonly string[]): boolean {
  return allowedImages.some((pattern) => matchesWildcard(pattern, image));
}

/**
 * A pod's annotations on top of the base. Without any of ours the base itself comes back, so that callers may cache
 * by identity.
 */
export function readPodSettings(
  annotations: JsonObject | undefined,
  base: Effective,
  allowedImages: readonly string[],
): PodSettings {
  if (annotations === undefined) return { effective: base, problems: [], remarks: [] };
  const problems: Problem[] = [];
  const remarks: string[] = [];
  let draft: Effective | undefined;
  for (const name of Object.keys(annotations)) {
    const row = rows.get(name);
    if (row === undefined) {
      if (ourPrefixes.some((prefix) => name.startsWith(prefix)) && !alsoKnown.has(name)) {
        const guess = remarks.length < mostGuesses ? didYouMean(name, rows.keys()) : '';
        remarks.push(`annotation ${quote(name)} is unknown and has no effect${guess}`);
      }
      continue;
    }
    draft ??= draftOf(base);
    const value = annotations[name];
    const problem = typeof value === 'string' ? row.apply(value, draft) : `must be a string; allowed: ${row.allowed}`;
    if (problem !== undefined) problems.push({ where: name, message: problem });
  }
  if (draft === undefined) return { effective: base, problems, remarks };
  if (draft.proxy.image !== base.proxy.image && !isAllowedImage(draft.proxy.image, allowedImages)) {
    problems.push({
      where: 'sidecar.istio.io/proxyImage',
      message: `${quote(draft.proxy.image)} is not allowed; allowed: ${base.proxy.image}${allowedImages.map((image) => `, ${image}`).join('')}`,
    });
  }
  problems.push(...checkResources(draft, annotations));
  return { effective: draft, problems, remarks };
}
