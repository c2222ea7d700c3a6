import { createInjector, type Added, type Injector, type Json, type JsonObject } from '../../../index.ts';
import { exitCodes, print, printJson, report, usageFailure, warn, type Failure, type Io } from '../../io.ts';
import { inputFailure, partialFailure, readInput } from '../../manifests/input.ts';
import { readKnownNamespace, type KnownNamespace } from '../../manifests/known-namespace.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { findWorkloads, type PlacedObject } from '../../manifests/workload.ts';
import { explainWorkload, type Explanation } from './explanation.ts';
import type { ExplainOptions } from './options.ts';
import { explanationLines } from './text.ts';

/** What is explained, and why some of the input is not. */
interface Explained {
  readonly explanations: readonly Explanation[];
  readonly unread: readonly string[];
}

async function explainFiles(
  options: ExplainOptions,
  injector: Injector,
  known: KnownNamespace,
  io: Io,
): Promise<Explained | Failure> {
  const input = await readInput(options, io);
  if ('problems' in input) return input;
  const { objects, warnings, unread } = findWorkloads(input);
  warn(warnings, io);
  if (objects.length === 0 && unread.length > 0) return inputFailure(unread);
  const explanations = objects.flatMap(({ object, workloads, where }: PlacedObject): Explanation[] => {
    const namespace = object.namespace ?? options.namespace ?? 'default';
    if (workloads.length > 0) {
      return workloads.map((workload) =>
        explainWorkload(workload, { ...known, injector, namespace, where, notes: [] }),
      );
    }
    const { apiVersion, kind, name } = object;
    return [
      {
        object: { apiVersion, kind, name, namespace },
        where,
        notes: [object.without?.reason ?? ''],
        webhookSelectors: undefined,
        decision: undefined,
      },
    ];
  });
  return { explanations, unread };
}

/** Shows only names, images and resources of what is added, because other values may hold secrets. */
function publicView(added: Added | undefined): Json {
  if (added === undefined) return null;
  const container = (one: JsonObject): JsonObject => ({
    name: one['name'] ?? null,
    image: one['image'] ?? null,
    resources: one['resources'] ?? null,
  });
  const { effective: _, ...shown } = added;
  return {
    ...shown,
    profile: added.profile ?? null,
    initContainers: added.initContainers.map(container),
    containers: added.containers.map(container),
    volumes: added.volumes.map(({ name }) => name),
  };
}

function explanationView(explanations: readonly Explanation[]): unknown {
  return explanations.map(({ decision, ...rest }) => ({
    ...rest,
    ...(decision === undefined ? {} : { decision: { ...decision, added: publicView(decision.added) } }),
  }));
}

/** Runs `explain` and returns the exit code. A denied pod is an answer, not a failure. */
export async function runExplain(options: ExplainOptions, io: Io): Promise<number> {
  if ((options.pod === undefined) === (options.filename === undefined)) {
    return report(
      usageFailure('explain needs either -f or --pod', 'give a file with -f, or a live pod as --pod NAMESPACE/NAME'),
      io,
    );
  }
  const known = readKnownNamespace(options);
  if ('problems' in known) return report(known, io);
  let explained: Explained | Failure;
  if (options.pod === undefined) {
    const loaded = await loadSnapshot(options);
    if ('problems' in loaded) return report(loaded, io);
    explained = await explainFiles(options, createInjector(loaded.snapshot), known, io);
  } else {
    const { explainLivePod } = await import('./live-pod.ts');
    const live = await explainLivePod(options.pod, options);
    explained = 'problems' in live ? live : { explanations: live, unread: [] };
  }
  if ('problems' in explained) return report(explained, io);
  const { explanations, unread } = explained;
  if (options.output === 'json') printJson(explanationView(explanations), io);
  else print(explanationLines(explanations), io);
  return unread.length === 0 ? exitCodes.fine : report(partialFailure(unread), io);
}
