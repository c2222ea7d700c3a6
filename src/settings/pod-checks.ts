import type { Effective } from './effective.ts';
import type { JsonObject } from './json.ts';
import { quote, type Problem } from './problem.ts';
import { parseQuantity } from './quantity.ts';
import { matchesWildcard } from './wildcard.ts';

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

/** What no single value shows: the operator's bounds, and values that only make sense together. May complete the draft. */
export function checkCombinations(
  draft: Effective,
  base: Effective,
  annotations: JsonObject,
  allowedImages: readonly string[],
): Problem[] {
  const problems: Problem[] = [];
  if (draft.proxy.image !== base.proxy.image && !isAllowedImage(draft.proxy.image, allowedImages)) {
    problems.push({
      where: 'sidecar.istio.io/proxyImage',
      message: `${quote(draft.proxy.image)} is not allowed; allowed: ${base.proxy.image}${allowedImages.map((image) => `, ${image}`).join('')}`,
    });
  }
  problems.push(...checkResources(draft, annotations));
  return problems;
}
