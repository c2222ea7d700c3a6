import jsonPatch, { type Operation } from 'fast-json-patch';
import { objectMember, type JsonObject } from '../json/json.ts';
import type { ContainerPatch } from '../settings/schema/profile.ts';
import type { PlacedContainer } from './fragment.ts';

type Container = PlacedContainer['container'];

/** Fields that the capture rules, the status annotation and reinvocation depend on. */
const fixed = ['name', 'restartPolicy'] as const;
const fixedIdentity = ['runAsUser', 'runAsGroup'] as const;

function sameIdentity(before: JsonObject, after: JsonObject): boolean {
  const ids = [objectMember(before, 'securityContext'), objectMember(after, 'securityContext')];
  return fixedIdentity.every((field) => ids[0]?.[field] === ids[1]?.[field]);
}

/** Applies a profile's JSON Patch to a copy of the container. `misfit` says why the patch cannot be applied. */
export function patchContainer(
  container: Container,
  patch: readonly ContainerPatch[],
): { readonly container: Container } | { readonly misfit: string } {
  if (patch.length === 0) return { container };
  let after: Container;
  try {
    after = jsonPatch.applyPatch(structuredClone(container), structuredClone(patch) as Operation[], true).newDocument;
  } catch (error) {
    const { name, operation } = error as { name?: string; operation?: ContainerPatch };
    const where = operation === undefined ? '' : ` (${operation.op} ${operation.path})`;
    return { misfit: `the profile's patch does not apply${where}: ${name ?? 'unknown fault'}` };
  }
  const changed = fixed.find((field) => after[field] !== container[field]);
  if (changed !== undefined) return { misfit: `the profile's patch changes ${changed}, which must stay` };
  if (!sameIdentity(container, after)) {
    return { misfit: "the profile's patch changes runAsUser or runAsGroup, by which the capture rules know the proxy" };
  }
  return { container: after };
}
