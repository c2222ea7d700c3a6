import { describeProblem } from '../../../../grammar/problem.ts';
import type { JsonObject } from '../../../../json/json.ts';
import { isApiError } from '../../../../kubernetes/api-error.ts';
import { connect, type ApiClient } from '../../../../kubernetes/client.ts';
import { listAll } from '../../../../kubernetes/list.ts';
import { keyOf } from '../../../../kubernetes/object-key.ts';
import { readManifests } from '../../../../manifests/manifest.ts';
import { readSources } from '../../../../manifests/source.ts';
import { findObjects } from '../../../../manifests/workloads.ts';
import { analyze, type Verdict } from '../../../../mesh/report/analysis.ts';
import { typeOf, worldOfObjects } from '../../../../mesh/report/world-of-objects.ts';
import type { Finding } from '../../../../mesh/rules/finding.ts';
import { ruleKinds } from '../../../../mesh/rules/rule-kinds.ts';
import { exitCodes, print, printJson, report, usageFailure, type Failure, type Io } from '../../../io.ts';
import { findKubeconfig } from '../../../kubeconfig.ts';
import { inputFailure } from '../../../manifests/input.ts';
import type { AnalyzeOptions } from './options.ts';

interface Read {
  readonly objects: readonly JsonObject[];
}

async function readFiles(filenames: readonly string[], io: Io): Promise<Read | Failure> {
  const { sources, problems } = await readSources(filenames, () => io.stdin());
  const found = [...problems];
  const objects: JsonObject[] = [];
  for (const manifest of sources.flatMap((source) => [...readManifests(source)])) {
    if ('message' in manifest) found.push(manifest);
    else if (manifest.content.format !== 'empty') {
      const { value } = manifest.content;
      objects.push(...findObjects(value).map(({ object, apiVersion, kind }) => ({ ...object, apiVersion, kind })));
    }
  }
  return found.length > 0 ? inputFailure(found.map(describeProblem)) : { objects };
}

/** Lists a collection; a kind that the cluster does not have has no objects. */
async function listIfServed(client: ApiClient, path: string, type: JsonObject): Promise<readonly JsonObject[]> {
  try {
    return (await listAll(client, path)).map((object) => ({ ...object, ...type }));
  } catch (error) {
    if (isApiError(error, 'not-found')) return [];
    throw error;
  }
}

async function readCluster(kubeconfig: string | undefined): Promise<Read | Failure> {
  const client = await connect(kubeconfig === undefined ? {} : { kubeconfig });
  try {
    const lists = await Promise.all([
      listIfServed(client, '/api/v1/services', { apiVersion: 'v1', kind: 'Service' }),
      listIfServed(client, '/api/v1/pods', { apiVersion: 'v1', kind: 'Pod' }),
      ...Object.entries(ruleKinds).map(async ([kind, { group, versions, plural }]) => {
        for (const version of versions) {
          const apiVersion = `${group}/${version}`;
          const objects = await listIfServed(client, `/apis/${apiVersion}/${plural}`, { apiVersion, kind });
          if (objects.length > 0) return objects;
        }
        return [];
      }),
    ]);
    return { objects: lists.flat() };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { problems: [problem], remedy: 'check the kubeconfig and your permissions', code: exitCodes.failed };
  } finally {
    client.close();
  }
}

/** Returns the objects of the cluster with those of the files in their place. */
function applied(live: readonly JsonObject[], files: readonly JsonObject[], namespace: string): readonly JsonObject[] {
  const idOf = (object: JsonObject): string => {
    const key = keyOf(object);
    return `${typeOf(object)} ${key.includes('/') ? key : `${namespace}/${key}`}`;
  };
  const replaced = new Set(files.map(idOf));
  return [...live.filter((object) => !replaced.has(idOf(object))), ...files];
}

const words = { refused: 'refused', 'without-effect': 'no effect', warning: 'warning' } as const;

function lineOf({ field, effect, code, sentence }: Finding): string {
  return `  ${words[effect]}: ${field === '' ? '' : `${field}: `}${sentence} (${code})`;
}

function textOf({ ref, findings }: Verdict): readonly string[] {
  return [`${ref.kind} ${ref.namespace}/${ref.name}`, ...findings.map(lineOf)];
}

/** Runs `mesh analyze` and returns its exit code. */
export async function runAnalyze(options: AnalyzeOptions, io: Io): Promise<number> {
  const filenames = options.filename ?? [];
  if (filenames.length === 0 && options.live !== true) {
    return report(usageFailure('there is nothing to look at', 'give -f FILE, --live or both'), io);
  }
  const namespace = options.namespace ?? 'default';
  const files = await readFiles(filenames, io);
  if ('problems' in files) return report(files, io);
  const live = options.live === true ? await readCluster(findKubeconfig(options.kubeconfig)) : { objects: [] };
  if ('problems' in live) return report(live, io);
  const world = worldOfObjects(applied(live.objects, files.objects, namespace), namespace);
  const { clusterDomain: cluster, rootNamespace } = options;
  const verdicts = analyze(world, { cluster, trust: cluster, rootNamespace });
  const rules = Object.values(world.rules).reduce((sum, kind) => sum + kind.size, 0);
  if (options.output === 'json') {
    printJson(
      verdicts.map(({ ref: { kind, namespace: owner, name }, findings }) => ({
        kind,
        namespace: owner,
        name,
        findings,
      })),
      io,
    );
  } else {
    const bad = verdicts.filter(({ findings }) => findings.some(({ effect }) => effect !== 'warning')).length;
    const sum = `${rules} traffic rules, ${bad} refused or without effect, ${verdicts.length - bad} with warnings`;
    print([...verdicts.flatMap(textOf), sum], io);
  }
  const isGood = verdicts.every(({ findings }) => findings.every(({ effect }) => effect === 'warning'));
  return isGood ? exitCodes.fine : exitCodes.different;
}
