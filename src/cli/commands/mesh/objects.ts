import { describeProblem } from '../../../grammar/problem.ts';
import type { JsonObject } from '../../../json/json.ts';
import { isApiError } from '../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { listAll } from '../../../kubernetes/list.ts';
import { keyOf } from '../../../kubernetes/object-key.ts';
import { readManifests } from '../../../manifests/manifest.ts';
import { readSources } from '../../../manifests/source.ts';
import { findObjects, type FoundObject } from '../../../manifests/workloads.ts';
import { typeOf } from '../../../mesh/report/world-of-objects.ts';
import type { RuleKind } from '../../../mesh/rules/object-ref.ts';
import { ruleKinds } from '../../../mesh/rules/rule-kinds.ts';
import { exitCodes, usageFailure, type Failure, type Io } from '../../io.ts';
import { connectAs } from '../../kubeconfig.ts';
import { inputFailure } from '../../manifests/input.ts';
import type { ClusterOptions } from '../../options.ts';

/** Objects with their kind, and of files what was found in them. */
export interface Read {
  readonly objects: readonly JsonObject[];
  readonly found: readonly FoundObject[];
}

const nothingRead: Read = { objects: [], found: [] };

/** Reads the objects of files. */
export async function readFiles(filenames: readonly string[], io: Io): Promise<Read | Failure> {
  const { sources, problems } = await readSources(filenames, () => io.stdin());
  const wrong = [...problems];
  const found: FoundObject[] = [];
  for (const manifest of sources.flatMap((source) => [...readManifests(source)])) {
    if ('message' in manifest) wrong.push(manifest);
    else if (manifest.content.format !== 'empty') found.push(...findObjects(manifest.content.value));
  }
  const objects = found.map(({ object, apiVersion, kind }) => ({ ...object, apiVersion, kind }));
  return wrong.length > 0 ? inputFailure(wrong.map(describeProblem)) : { objects, found };
}

/** Lists a collection; a kind that the cluster does not have has no objects. */
export async function listIfServed(client: ApiClient, path: string, type: JsonObject): Promise<readonly JsonObject[]> {
  try {
    return (await listAll(client, path)).map((object) => ({ ...object, ...type }));
  } catch (error) {
    if (isApiError(error, 'not-found')) return [];
    throw error;
  }
}

/** Lists the rules of a kind, in the version that the cluster has of those that are known. */
export async function listRules(client: ApiClient, kind: RuleKind): Promise<readonly JsonObject[]> {
  const { group, versions, plural } = ruleKinds[kind];
  for (const version of versions) {
    const apiVersion = `${group}/${version}`;
    const objects = await listIfServed(client, `/apis/${apiVersion}/${plural}`, { apiVersion, kind });
    if (objects.length > 0) return objects;
  }
  return [];
}

/** Returns the failure of a command that could not read the cluster. */
export function clusterFailure(error: unknown): Failure {
  const problem = error instanceof Error ? error.message : String(error);
  return { problems: [problem], remedy: 'check the kubeconfig and your permissions', code: exitCodes.failed };
}

/** Asks a cluster, and returns a failure if it cannot be asked, or `ask` rejects. */
export async function askCluster<T>(
  options: ClusterOptions,
  ask: (client: ApiClient) => Promise<T>,
): Promise<T | Failure> {
  let client: ApiClient | undefined;
  try {
    client = await connectAs(options);
    return await ask(client);
  } catch (error) {
    return clusterFailure(error);
  } finally {
    client?.close();
  }
}

/** Reads what a control plane reads of a cluster. */
async function readCluster(client: ApiClient): Promise<Read> {
  const lists = await Promise.all([
    listIfServed(client, '/api/v1/services', { apiVersion: 'v1', kind: 'Service' }),
    listIfServed(client, '/apis/discovery.k8s.io/v1/endpointslices', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
    }),
    listIfServed(client, '/api/v1/pods', { apiVersion: 'v1', kind: 'Pod' }),
    ...(Object.keys(ruleKinds) as RuleKind[]).map((kind) => listRules(client, kind)),
  ]);
  return { objects: lists.flat(), found: [] };
}

/** Reads the cluster if it is looked at. If it is not, options that say which one are refused, as they would have no effect. */
export async function readClusterIf(isLive: boolean, options: ClusterOptions): Promise<Read | Failure> {
  if (isLive) return askCluster(options, readCluster);
  const given = (['kubeconfig', 'context'] as const).filter((name) => options[name] !== undefined);
  if (given.length === 0) return nothingRead;
  const names = given.map((name) => `--${name}`).join(' and ');
  return usageFailure(`${names}: no cluster is looked at, only files`, `give --live, or leave out ${names}`);
}

/** Returns the objects of the cluster with those of the files in their place. */
export function applied(
  live: readonly JsonObject[],
  files: readonly JsonObject[],
  namespace: string,
): readonly JsonObject[] {
  const idOf = (object: JsonObject): string => {
    const key = keyOf(object);
    return `${typeOf(object)} ${key.includes('/') ? key : `${namespace}/${key}`}`;
  };
  const replaced = new Set(files.map(idOf));
  return [...live.filter((object) => !replaced.has(idOf(object))), ...files];
}
