import jsonPatch from 'fast-json-patch';
import { decide, type Decision } from '../../../src/index.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { joinPatch } from '../../../src/injection/patch/patch-text.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { snapshotOf } from './snapshots.ts';

/** A container of a pod, as far as tests look at it. */
export interface TestContainer {
  readonly name: string;
  readonly [key: string]: unknown;
}

/** A pod after its injection, as far as tests look at it. */
export interface InjectedPod {
  readonly metadata: { readonly annotations: Record<string, string>; readonly labels?: Record<string, string> };
  readonly spec: {
    readonly containers: readonly TestContainer[];
    readonly initContainers: readonly TestContainer[];
    readonly volumes: readonly { readonly name: string }[];
    readonly imagePullSecrets?: readonly { readonly name: string }[];
  };
}

export interface PodParts {
  readonly annotations?: JsonObject | undefined;
  readonly labels?: JsonObject | undefined;
  /** Fields of the one container `app`. */
  readonly container?: JsonObject;
  readonly spec?: JsonObject;
}

/** A pod with one container `app` and whatever the test is about. */
export function podWith({ annotations, labels, container, spec }: PodParts = {}): JsonObject {
  return {
    metadata: { name: 'web', ...(annotations && { annotations }), ...(labels && { labels }) },
    spec: { containers: [{ name: 'app', image: 'app:1', ...container }], ...spec },
  };
}

export function decideOn(pod: JsonObject, snapshot: Snapshot = snapshotOf(), namespace = 'shop'): Decision {
  return decide({ pod, namespace }, snapshot);
}

/** The pod after the decision's patch; throws when it was not injected. */
export function injectedPod(pod: JsonObject, snapshot: Snapshot = snapshotOf(), namespace = 'shop'): InjectedPod {
  const decision = decideOn(pod, snapshot, namespace);
  if (decision.outcome !== 'inject') {
    throw new Error(decision.reasons.map(({ code, message }) => `${code}: ${message}`).join('\n'));
  }
  const operations = JSON.parse(joinPatch(decision.patch)) as jsonPatch.Operation[];
  return jsonPatch.applyPatch(structuredClone(pod), operations).newDocument as unknown as InjectedPod;
}

export function namesOf(list: readonly { readonly name: string }[] | undefined): string[] {
  return (list ?? []).map(({ name }) => name);
}

/** The container of that name in either list. */
export function containerOf(pod: InjectedPod, name: string): TestContainer {
  const found = [...pod.spec.initContainers, ...pod.spec.containers].find((container) => container.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

/** The capture rules of a family, a rule a line; none with interception mode NONE. */
export function rulesOf(pod: InjectedPod, family: 'V4' | 'V6' = 'V4'): string[] {
  const init = pod.spec.initContainers.find(({ name }) => name === 'istio-init');
  const env = (init?.['env'] ?? []) as { name: string; value: string }[];
  return (env.find(({ name }) => name === `CAPTURE_RULES_${family}`)?.value ?? '')
    .split('\n')
    .filter((line) => line !== '');
}
