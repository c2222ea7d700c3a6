import { asKnown } from '../../../injection/namespace-facts.ts';
import { withCode } from '../../../injection/policy/reason.ts';
import { readCaptureConfiguration } from '../../../capture/configuration.ts';
import type { CaptureIntent } from '../../../capture/intent.ts';
import { createInjector, undo, type Decision } from '../../../index.ts';
import { parseStatus, type InjectionStatus } from '../../../injection/patch/status.ts';
import { readManifests } from '../../../manifests/manifest.ts';
import { readSources } from '../../../manifests/source.ts';
import type { FoundPod } from '../../../manifests/workloads.ts';
import { names, statusAnnotation } from '../../../pod/conventions.ts';
import { viewPod } from '../../../pod/view.ts';
import {
  isObject,
  member,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../json/json.ts';
import { describeProblem } from '../../../grammar/problem.ts';
import { captureVariable } from '../../../sidecars/standalone/init-container.ts';
import type { CaptureOptions } from './options.ts';
import { namespaceOf, passGate } from '../../manifests/webhook-selectors.ts';
import { inputFailure, readInput } from '../../manifests/input.ts';
import { readKnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { warn, type Failure, type Io } from '../../io.ts';
import { describeWorkload, findWorkloads, ownerOf } from '../../manifests/workload.ts';

type Rendering = NonNullable<CaptureOptions['family']>;

/** What is captured in the pods of one object, or by one capture file. */
export interface Captured {
  /** Name in messages. */
  readonly name: string;
  /** Undefined if nothing is captured, or, where rules are loaded, if what they mean is not known. */
  readonly intent: CaptureIntent | undefined;
  /** The exact texts that the init container of these pods loads. Undefined for a capture file. */
  readonly loaded: ReadonlyMap<Rendering, string> | undefined;
}

function loadedRules(initContainers: readonly JsonObject[]): Map<Rendering, string> {
  const init = initContainers.find((one) => stringMember(one, 'name') === names.initContainer);
  const env = init === undefined ? [] : objectsMember(init, 'env');
  return new Map(
    (['v4', 'v6', 'nft'] as const).flatMap((rendering) => {
      const variable = env.find((entry) => stringMember(entry, 'name') === captureVariable(rendering));
      const value = variable === undefined ? undefined : stringMember(variable, 'value');
      return value === undefined ? [] : [[rendering, value] as const];
    }),
  );
}

function statusOf(pod: JsonObject): InjectionStatus | undefined {
  const written = member(viewPod(pod).annotations, statusAnnotation);
  return written === undefined ? undefined : parseStatus(written);
}

/** What an injected pod loads, whatever settings it is of; in words only as far as they are known. */
function captureOf(
  { value: pod }: FoundPod,
  status: InjectionStatus,
  decide: (plain: JsonObject) => Decision,
): Pick<Captured, 'intent' | 'loaded'> | string {
  const loaded = loadedRules(objectsMember(objectMember(pod, 'spec'), 'initContainers'));
  const undone = undo(pod);
  const decision = undone?.pod === undefined ? undefined : decide(undone.pod);
  if (decision?.outcome === 'inject') {
    const now = loadedRules(decision.added?.initContainers ?? []);
    const isSame = now.size === loaded.size && [...now].every(([rendering, text]) => loaded.get(rendering) === text);
    if (isSame && (loaded.size > 0 || decision.settingsHash === status.settingsHash)) {
      return { intent: decision.capture, loaded };
    }
  }
  if (loaded.size > 0) return { intent: undefined, loaded };
  return `it was injected with settings ${status.settingsHash}, and does not show its rules; give these settings with --settings`;
}

/**
 * Reads what is captured in the pods of every workload. A pod without a sidecar has no rules, which is a problem; of one that is
 * injected already its own are read.
 */
export async function readCapturedPods(options: CaptureOptions, io: Io): Promise<readonly Captured[] | Failure> {
  const known = readKnownNamespace(options);
  if ('problems' in known) return known;
  const loaded = await loadSnapshot(options);
  if ('problems' in loaded) return loaded;
  const input = await readInput(options, io);
  if ('problems' in input) return input;
  const { objects, warnings, unread } = findWorkloads(input);
  warn(warnings, io);
  const injector = createInjector(loaded.snapshot);
  const problems = [...unread];
  const workloads = objects.flatMap((placed) =>
    placed.workloads.map((workload) => ({ workload, where: placed.where })),
  );
  const captured = workloads.flatMap(({ workload, where }): Captured[] => {
    const name = `${where}: ${describeWorkload(workload)}`;
    const namespace = namespaceOf(workload, options.namespace);
    const decide = (pod: JsonObject): Decision =>
      injector.decide({ pod, namespace, workload: ownerOf(workload), ...asKnown(known) });
    const status = statusOf(workload.pod.value);
    if (status !== undefined) {
      const own = captureOf(workload.pod, status, decide);
      if (typeof own !== 'string') return [{ name, ...own }];
      problems.push(`${name}: ${own}`);
      return [];
    }
    const gate = known.labels === undefined ? undefined : passGate(workload, namespace, known.labels);
    if (gate?.called === false) {
      problems.push(`${name}: gets no sidecar: the API server would not ask for it: ${gate.reasons.join('; ')}`);
      return [];
    }
    const decision = decide(workload.pod.value);
    if (decision.outcome === 'inject') {
      return [{ name, intent: decision.capture, loaded: loadedRules(decision.added?.initContainers ?? []) }];
    }
    const reasons = decision.reasons.map(withCode);
    problems.push(`${name}: gets no sidecar: ${reasons.join('; ')}`);
    return [];
  });
  if (problems.length > 0) return inputFailure(problems);
  return captured.length > 0 ? captured : inputFailure(['the input has no object with a known pod template']);
}

/** Reads a capture file: one object, in JSON or YAML. */
export async function readCaptureFiles(filename: string, io: Io): Promise<readonly Captured[] | Failure> {
  const { sources, problems: unread } = await readSources([filename], () => io.stdin());
  const problems = [...unread];
  const values: Json[] = [];
  for (const manifest of sources.flatMap((source) => [...readManifests(source)])) {
    if ('message' in manifest) problems.push(manifest);
    else if (manifest.content.format !== 'empty') values.push(manifest.content.value);
  }
  const name = sources[0]?.name ?? filename;
  if (problems.length > 0) return inputFailure(problems.map(describeProblem));
  const [value, ...more] = values;
  if (!isObject(value) || more.length > 0) {
    return inputFailure([`${name}: must be one object with the field names of istio-iptables, in JSON or YAML`]);
  }
  const read = readCaptureConfiguration(value);
  if ('problems' in read) return inputFailure(read.problems.map((one) => `${name}: ${describeProblem(one)}`));
  return [{ name, intent: read.value, loaded: undefined }];
}
