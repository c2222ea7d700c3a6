import type { Operation } from '../../index.ts';
import { readManifests, type Manifest } from '../../manifests/manifest.ts';
import { rewriteManifest } from '../../manifests/rewrite.ts';
import { createValuePrinter, type ValuePrinter } from '../../yaml/value-printer.ts';
import { findObjects, hasKind, keyOf, type FoundObject } from '../../manifests/workloads.ts';
import { describeProblem } from '../../grammar/problem.ts';
import { visible } from '../../grammar/visible.ts';
import type { Input } from './input.ts';
import { roundingWarnings } from './rounding.ts';
import { createTelling, type Telling } from './telling.ts';
import { describeObject, describeWorkload, warnOfUnusedPaths, workloadsOf, type Workload } from './workload.ts';

/**
 * What to do with one workload: change it, keep it, or deny the whole input because of it. Pointers are relative to its
 * pod.
 */
export type RewriteDecision =
  | {
      readonly outcome: 'change';
      /** Operations in steps; the text of each step is that of a command that does only this. */
      readonly steps: readonly (readonly Operation[])[];
      /** Word of the summary. */
      readonly did: string;
      readonly warnings: readonly string[];
      readonly notes: readonly string[];
      /** What is outdated in the pod nevertheless. */
      readonly outdated?: string | undefined;
    }
  | {
      readonly outcome: 'keep';
      /** Why, in full. */
      readonly reason: string;
      /** Word of the summary, and the reason in a word. */
      readonly did: string;
      readonly because?: string;
      readonly warnings: readonly string[];
      /** What is outdated in the pod, as a sentence. */
      readonly outdated?: string | undefined;
    }
  | { readonly outcome: 'deny'; readonly problems: readonly string[] };

/** JSON Patch of one pod or pod template. Pointers start at the root of the object. */
export interface WorkloadPatch {
  readonly workload: Workload;
  readonly operations: readonly Operation[];
}

/** One document before and after. */
export interface RewrittenDocument {
  readonly before: string;
  readonly after: string;
  readonly patches: readonly WorkloadPatch[];
}

export interface RewrittenSource {
  readonly name: string;
  readonly documents: readonly RewrittenDocument[];
}

/** A workload that is not as it should be, and what is wrong. */
export interface Finding {
  readonly source: string;
  /** File and line. */
  readonly where: string;
  readonly name: string;
  readonly finding: { readonly what: 'changes' } | { readonly what: 'outdated'; readonly why: string };
}

/** The rewritten input. If there are problems, the sources are incomplete and must not be written. */
export interface Rewriting {
  /** Sources that could be read, whole. */
  readonly sources: readonly RewrittenSource[];
  readonly findings: readonly Finding[];
  /** Objects that stay unchanged and why, warnings, and other remarks for the user. */
  readonly telling: Telling;
  /** Why pods are denied. */
  readonly problems: readonly string[];
  /** Why sources are missing. */
  readonly unread: readonly string[];
}

function prefixed(operations: readonly Operation[], prefix: string): Operation[] {
  return operations.map((operation) => ({ ...operation, path: prefix + operation.path }));
}

interface Change {
  readonly workload: Workload;
  readonly steps: readonly (readonly Operation[])[];
}

/** The operations of all changes in one step, with pointers from the root of the document. */
function stepOf(changes: readonly Change[], index: number): Operation[] {
  return changes.flatMap(({ workload, steps }) => prefixed(steps[index] ?? [], workload.pod.pointer));
}

function readAgain(source: string, text: string): Manifest {
  const [manifest] = readManifests({ name: source, text });
  if (manifest !== undefined && !('message' in manifest) && manifest.text === text) return manifest;
  throw new Error('the changed document would not read back as it should');
}

/** Rewrites a document step by step. The document of one step is read again for the next. */
function rewriteInSteps(manifest: Manifest, changes: readonly Change[], printer: ValuePrinter) {
  const count = changes.reduce((most, { steps }) => Math.max(most, steps.length), 0);
  const steps = Array.from({ length: count }, (_, index) => stepOf(changes, index)).filter(({ length }) => length > 0);
  let { text } = manifest;
  let reprinted = false;
  for (const [index, operations] of steps.entries()) {
    const rewritten = rewriteManifest(index === 0 ? manifest : readAgain(manifest.source, text), operations, printer);
    reprinted ||= rewritten.reprinted;
    ({ text } = rewritten);
  }
  return { text, reprinted };
}

function tellWithoutPod(object: FoundObject, where: string, telling: Telling): void {
  const { without } = object;
  telling.count('passed through');
  if (without?.makesPods === true) telling.warn(`${visible(keyOf(object))}: ${without.reason}`);
  telling.detail(`${where}: ${describeObject(object)}: passed through: ${without?.reason ?? ''}`);
}

/**
 * Decides about every workload of the input and rewrites the documents that change. All others are kept byte for byte.
 * A source with a document that cannot be read is left out whole.
 *
 * @param words of the summary, in order
 */
export function rewriteInput(
  input: Input,
  words: readonly string[],
  decide: (workload: Workload) => RewriteDecision,
): Rewriting {
  const whole = createTelling([...words, 'passed through']);
  // Of the present source; what is left out has nothing to say.
  let telling = whole;
  const problems: string[] = [];
  const unread = [...input.unread];
  const findings: Finding[] = [];
  const found: FoundObject[] = [];
  const printer = createValuePrinter();

  const changeOf = (workload: Workload, { source, line }: Manifest): Change[] => {
    const name = describeWorkload(workload);
    const where = `${source}:${line}`;
    const decision = decide(workload);
    if (decision.outcome === 'deny') {
      problems.push(...decision.problems.map((problem) => `${where}: ${name}: ${problem}`));
      return [];
    }
    for (const warning of decision.warnings) telling.warn(`${where}: ${name}: ${warning}`);
    const finding = { source, where, name };
    if (decision.outdated !== undefined) {
      findings.push({ ...finding, finding: { what: 'outdated', why: decision.outdated } });
    }
    if (decision.outcome === 'keep') {
      telling.detail(`${where}: ${name}: ${decision.reason}`);
      telling.count(decision.did, decision.because);
      return [];
    }
    for (const note of decision.notes) telling.note(`${where}: ${name}: ${note}`);
    for (const warning of roundingWarnings(decision.steps.flat())) telling.warn(`${where}: ${name}: ${warning}`);
    telling.detail(`${where}: ${name}: ${decision.did}`);
    telling.count(decision.did);
    const changes = decision.steps.some((step) => step.length > 0);
    if (changes && decision.outdated === undefined) findings.push({ ...finding, finding: { what: 'changes' } });
    return changes ? [{ workload, steps: decision.steps }] : [];
  };

  const rewrite = (manifest: Manifest): RewrittenDocument => {
    const { content, text } = manifest;
    if (content.format === 'empty') return { before: text, after: text, patches: [] };
    const where = `${manifest.source}:${manifest.line}`;
    const objects = findObjects(content.value, input.paths);
    if (input.paths.size > 0) for (const object of objects) found.push(object);
    if (objects.length === 0 && !hasKind(content.value)) {
      telling.count('passed through');
      telling.detail(`${where}: passed through: not a Kubernetes object`);
    }
    const changes = objects.flatMap((object) => {
      if (object.pods.length === 0) tellWithoutPod(object, where, telling);
      return workloadsOf(object).flatMap((workload) => changeOf(workload, manifest));
    });
    if (changes.length === 0) return { before: text, after: text, patches: [] };
    const patches = changes.map(({ workload, steps }) => {
      const within = workload.pod.pointer.slice(workload.pointer.length);
      return { workload, operations: prefixed(steps.flat(), within) };
    });
    const rewritten = rewriteInSteps(manifest, changes, printer);
    if (rewritten.reprinted) {
      telling.note(`${where}: printed anew, because a change meets an anchor, alias or unusual notation there`);
    }
    return { before: text, after: rewritten.text, patches };
  };

  const sources = input.sources.flatMap((source): RewrittenSource[] => {
    const documents: RewrittenDocument[] = [];
    const unreadable: string[] = [];
    const findingsBefore = findings.length;
    telling = createTelling([]);
    for (const manifest of readManifests(source)) {
      if ('message' in manifest) unreadable.push(describeProblem(manifest));
      else documents.push(rewrite(manifest));
    }
    if (unreadable.length === 0) {
      whole.add(telling);
      return [{ name: source.name, documents }];
    }
    unread.push(...unreadable);
    findings.splice(findingsBefore);
    return [];
  });
  for (const warning of warnOfUnusedPaths(input.paths, found)) whole.warn(warning);
  return { sources, findings, telling: whole, problems, unread };
}
