import type { InjectionRequest } from '../../index.ts';
import { readManifests } from '../../manifests/manifest.ts';
import { findObjects, keyOf, type FoundObject, type FoundPod, type TemplatePaths } from '../../manifests/workloads.ts';
import { objectMember, stringMember } from '../../json/json.ts';
import { describeProblem } from '../../grammar/problem.ts';
import { visible } from '../../grammar/visible.ts';
import type { Input } from './input.ts';

/** One pod or pod template of an object. */
export type Workload = FoundObject & { readonly pod: FoundPod };

/** The name of the object in messages, such as `Deployment/web in shop`. */
export function describeObject({ kind, name, namespace }: FoundObject): string {
  return visible(`${kind}/${name}${namespace === undefined ? '' : ` in ${namespace}`}`);
}

/** The same, with the place of the pod template if the object has several. */
export function describeWorkload(workload: Workload): string {
  const name = describeObject(workload);
  if (workload.pods.length === 1) return name;
  return `${name} (${visible(workload.pod.pointer.slice(workload.pointer.length))})`;
}

/** The pods of an object, in order. */
export function workloadsOf(object: FoundObject): Workload[] {
  return object.pods.map((pod) => ({ ...object, pod }));
}

/** Owner of the pods that the workload creates. Undefined for a pod, which names its owner in its metadata. */
export function ownerOf(workload: Workload): InjectionRequest['workload'] {
  const { apiVersion, kind } = workload;
  const name = stringMember(objectMember(workload.object, 'metadata'), 'name');
  return name === undefined || workload.pod.pointer === workload.pointer ? undefined : { apiVersion, kind, name };
}

/** An object of the input and its place. */
export interface PlacedObject {
  readonly object: FoundObject;
  readonly workloads: readonly Workload[];
  /** File and line of the document. */
  readonly where: string;
}

/** Warnings about paths that the user gave and that led to no pod. */
export function warnOfUnusedPaths(paths: TemplatePaths, objects: readonly FoundObject[]): string[] {
  return [...paths].flatMap(([key, wanted]) => {
    const same = objects.filter((object) => keyOf(object) === key);
    const used = new Set(same.flatMap(({ pods }) => pods.map(({ path }) => path)));
    const [kind] = key.split('.');
    const others = new Set(objects.filter((object) => object.kind === kind).map(keyOf));
    const instead = others.size === 0 ? '' : `; it has ${[...others].join(', ')}`;
    const why =
      same.length > 0 ? 'leads to no pod template in the input' : `finds nothing: the input has no ${key}${instead}`;
    return wanted.filter((path) => !used.has(path)).map((path) => visible(`--pod-template ${key}=${path} ${why}`));
  });
}

/** Finds every object of the sources that can be read, in order. Nothing is changed. */
export function findWorkloads(input: Input): {
  readonly objects: readonly PlacedObject[];
  readonly warnings: readonly string[];
  readonly unread: readonly string[];
} {
  const objects: PlacedObject[] = [];
  const unread = [...input.unread];
  for (const source of input.sources) {
    const found: PlacedObject[] = [];
    const problems: string[] = [];
    for (const manifest of readManifests(source)) {
      if ('message' in manifest) {
        problems.push(describeProblem(manifest));
      } else if (manifest.content.format !== 'empty') {
        const where = `${manifest.source}:${manifest.line}`;
        for (const object of findObjects(manifest.content.value, input.paths)) {
          found.push({ object, workloads: workloadsOf(object), where });
        }
      }
    }
    if (problems.length > 0) unread.push(...problems);
    else for (const one of found) objects.push(one);
  }
  const warnings = warnOfUnusedPaths(
    input.paths,
    objects.map(({ object }) => object),
  );
  return { objects, warnings, unread };
}
