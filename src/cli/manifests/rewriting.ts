import type { InjectionRequest, Operation } from '../../index.ts';
import { readManifests, type Manifest } from '../../manifests/manifest.ts';
import { rewriteManifest } from '../../manifests/rewrite.ts';
import { createValuePrinter } from '../../yaml/value-printer.ts';
import { findObjects, type FoundObject } from '../../manifests/workloads.ts';
import { objectMember, stringMember } from '../../json/json.ts';
import { describeProblem } from '../../grammar/problem.ts';
import { visible } from '../../grammar/visible.ts';
import type { Input } from './input.ts';
import { roundingNotes } from './rounding.ts';

/** An object that makes pods. */
export type Workload = FoundObject & { readonly pod: NonNullable<FoundObject['pod']> };

/**
 * What to do with one workload: change it, skip it, or deny the whole input because of it. Pointers are relative to its
 * pod.
 */
export type RewriteDecision =
  | { readonly outcome: 'change'; readonly operations: readonly Operation[]; readonly notes: readonly string[] }
  | { readonly outcome: 'skip'; readonly reason: string }
  | { readonly outcome: 'deny'; readonly problems: readonly string[] };

/** JSON Patch of one object. Pointers start at the root of the object. */
export interface ObjectPatch {
  readonly object: FoundObject;
  readonly operations: readonly Operation[];
}

/** One document before and after. */
export interface RewrittenDocument {
  readonly before: string;
  readonly after: string;
  readonly patches: readonly ObjectPatch[];
}

export interface RewrittenSource {
  readonly name: string;
  readonly documents: readonly RewrittenDocument[];
}

/** The rewritten input. If there are problems, the sources are incomplete and must not be written. */
export interface Rewriting {
  /** Sources that could be read, whole. */
  readonly sources: readonly RewrittenSource[];
  /** Objects that stay unchanged and why, warnings, and other remarks for the user; one line each. */
  readonly notes: readonly string[];
  /** Why pods are denied. */
  readonly problems: readonly string[];
  /** Why sources are missing. */
  readonly unread: readonly string[];
}

/** The name of the object in messages, such as `Deployment/web`. */
export function describeObject(object: FoundObject): string {
  return visible(`${object.kind}/${object.name}`);
}

/** Whether the object makes pods. */
export function isWorkload(object: FoundObject): object is Workload {
  return object.pod !== undefined;
}

function prefixed(operations: readonly Operation[], prefix: string): Operation[] {
  return operations.map((operation) => ({ ...operation, path: prefix + operation.path }));
}

/** An object of the input and its place. `workload` is the same object if it makes pods. */
export interface PlacedObject {
  readonly object: FoundObject;
  readonly workload: Workload | undefined;
  /** File and line of the document. */
  readonly where: string;
}

/** Finds every object of the sources that can be read, in order. Nothing is changed. */
export function findWorkloads(input: Input): {
  readonly objects: readonly PlacedObject[];
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
        for (const object of findObjects(manifest.content.value, input.paths)) {
          const where = `${manifest.source}:${manifest.line}`;
          found.push({ object, workload: isWorkload(object) ? object : undefined, where });
        }
      }
    }
    if (problems.length > 0) unread.push(...problems);
    else objects.push(...found);
  }
  return { objects, unread };
}

/**
 * Decides about every workload of the input and rewrites the documents that change. All others are kept byte for byte.
 * A source with a document that cannot be read is left out whole.
 */
export function rewriteInput(input: Input, decide: (workload: Workload) => RewriteDecision): Rewriting {
  const notes: string[] = [];
  const problems: string[] = [];
  const unread = [...input.unread];
  const printer = createValuePrinter();

  const patchOf = (object: FoundObject, where: string): ObjectPatch[] => {
    const name = describeObject(object);
    if (!isWorkload(object)) {
      notes.push(`${name}: passed through: ${object.skipReason}`);
      return [];
    }
    const decision = decide(object);
    if (decision.outcome === 'deny') {
      problems.push(...decision.problems.map((problem) => `${where}: ${name}: ${problem}`));
      return [];
    }
    if (decision.outcome === 'skip') {
      notes.push(`${name}: ${decision.reason}`);
      return [];
    }
    const remarks = [...decision.notes, ...roundingNotes(decision.operations)];
    notes.push(...remarks.map((note) => `${name}: ${note}`));
    const within = object.pod.pointer.slice(object.pointer.length);
    return [{ object, operations: prefixed(decision.operations, within) }];
  };

  const rewrite = (manifest: Manifest): RewrittenDocument => {
    const { content, text } = manifest;
    if (content.format === 'empty') return { before: text, after: text, patches: [] };
    const where = `${manifest.source}:${manifest.line}`;
    const objects = findObjects(content.value, input.paths);
    if (objects.length === 0) notes.push(`${where}: passed through: not a Kubernetes object`);
    const patches = objects.flatMap((object) => patchOf(object, where));
    const operations = patches.flatMap((patch) => prefixed(patch.operations, patch.object.pointer));
    if (operations.length === 0) return { before: text, after: text, patches };
    const rewritten = rewriteManifest(manifest, operations, printer);
    if (rewritten.reprinted) {
      notes.push(`${where}: printed anew, because a change meets an anchor, alias or unusual notation there`);
    }
    return { before: text, after: rewritten.text, patches };
  };

  const sources = input.sources.flatMap((source): RewrittenSource[] => {
    const documents: RewrittenDocument[] = [];
    const unreadable: string[] = [];
    const before = notes.length;
    for (const manifest of readManifests(source)) {
      if ('message' in manifest) unreadable.push(describeProblem(manifest));
      else documents.push(rewrite(manifest));
    }
    if (unreadable.length === 0) return [{ name: source.name, documents }];
    unread.push(...unreadable);
    // What is left out has nothing to say.
    notes.splice(before);
    return [];
  });
  return { sources, notes, problems, unread };
}

/** Owner of the pods that the workload creates. Undefined for a pod, which names its owner in its metadata. */
export function ownerOf(workload: Workload): InjectionRequest['workload'] {
  const { apiVersion, kind } = workload;
  const name = stringMember(objectMember(workload.object, 'metadata'), 'name');
  return name === undefined || workload.pod.pointer === workload.pointer ? undefined : { apiVersion, kind, name };
}
