import { withCode } from '../../../injection/policy/reason.ts';
import { readCaptureConfiguration } from '../../../capture/configuration.ts';
import type { CaptureIntent } from '../../../capture/intent.ts';
import { createInjector, type Decision } from '../../../index.ts';
import { readManifests } from '../../../manifests/manifest.ts';
import { readSources } from '../../../manifests/source.ts';
import { names } from '../../../pod/conventions.ts';
import { isObject, objectsMember, stringMember, type Json } from '../../../json/json.ts';
import { describeProblem } from '../../../grammar/problem.ts';
import { captureVariable } from '../../../sidecars/standalone/init-container.ts';
import type { CaptureOptions } from './options.ts';
import { namespaceOf, passGate } from '../../manifests/webhook-selectors.ts';
import { inputFailure, readInput } from '../../manifests/input.ts';
import { readKnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { remark, type Failure, type Io } from '../../io.ts';
import { describeWorkload, findWorkloads, ownerOf } from '../../manifests/workload.ts';

type Rendering = NonNullable<CaptureOptions['family']>;

/** What is captured in the pods of one object, or by one capture file. */
export interface Captured {
  /** Name in messages. */
  readonly name: string;
  /** Undefined if nothing is captured. */
  readonly intent: CaptureIntent | undefined;
  /** The exact texts that the init container of these pods loads. Undefined for a capture file. */
  readonly loaded: ReadonlyMap<Rendering, string> | undefined;
}

function loadedRules({ added }: Decision): Map<Rendering, string> {
  const init = added?.initContainers.find(({ name }) => name === names.initContainer);
  const env = init === undefined ? [] : objectsMember(init, 'env');
  return new Map(
    (['v4', 'v6', 'nft'] as const).flatMap((rendering) => {
      const variable = env.find((entry) => stringMember(entry, 'name') === captureVariable(rendering));
      const value = variable === undefined ? undefined : stringMember(variable, 'value');
      return value === undefined ? [] : [[rendering, value] as const];
    }),
  );
}

/** Reads what is captured in the pods of every workload. A pod without a sidecar has no rules, which is a problem. */
export async function readCapturedPods(options: CaptureOptions, io: Io): Promise<readonly Captured[] | Failure> {
  const known = readKnownNamespace(options);
  if ('problems' in known) return known;
  const loaded = await loadSnapshot(options);
  if ('problems' in loaded) return loaded;
  const input = await readInput(options, io);
  if ('problems' in input) return input;
  const { objects, warnings, unread } = findWorkloads(input);
  remark(
    warnings.map((warning) => `warning: ${warning}`),
    io,
  );
  const injector = createInjector(loaded.snapshot);
  const problems = [...unread];
  const workloads = objects.flatMap((placed) =>
    placed.workloads.map((workload) => ({ workload, where: placed.where })),
  );
  const captured = workloads.flatMap(({ workload, where }): Captured[] => {
    const name = `${where}: ${describeWorkload(workload)}`;
    const namespace = namespaceOf(workload, options.namespace);
    const gate = known.labels === undefined ? undefined : passGate(workload, namespace, known.labels);
    if (gate?.called === false) {
      problems.push(`${name}: gets no sidecar: the API server would not ask for it: ${gate.reasons.join('; ')}`);
      return [];
    }
    const { value: pod } = workload.pod;
    const request = { pod, namespace, workload: ownerOf(workload), namespaceAnnotations: known.annotations };
    const decision = injector.decide(request);
    if (decision.outcome === 'inject') {
      return [{ name, intent: decision.capture, loaded: loadedRules(decision) }];
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
