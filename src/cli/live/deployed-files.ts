import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import type { FileProblem } from '../../runtime/configuration.ts';
import { hasLabels } from '../../pod/label-selector.ts';
import { listDeployments, readConfigMap, readService } from '../../kubernetes/objects.ts';

/** Options of `serve` for files that decide what is injected. */
const fileOptions = ['--settings', '--sidecars', '--mesh-roots'] as const;
type FileOption = (typeof fileOptions)[number];

/** What an option of the deployed injector names: a file, or a folder, from a ConfigMap. */
interface Named {
  readonly option: FileOption;
  readonly configMap: string;
  readonly isFolder: boolean;
  readonly files: readonly MountedFile[];
}

/** A key of a ConfigMap as a file. */
interface MountedFile {
  readonly name: string;
  readonly key: string;
  readonly text: string;
}

/** A key of a ConfigMap. */
export interface ConfigMapKey {
  /** `namespace/name`. */
  readonly configMap: string;
  readonly key: string;
}

/** Copies of the deployed injector's files, and where they are from. */
export interface DeployedFiles {
  readonly settings: string | undefined;
  /** Where the settings are from. */
  readonly settingsKey: ConfigMapKey | undefined;
  readonly sidecars: readonly string[] | undefined;
  readonly meshRoots: string | undefined;
  readonly origins: ReadonlyMap<FileOption, readonly string[]>;
  /** The problem with the ConfigMap and key in place of the copy. */
  readonly named: (problem: FileProblem) => FileProblem;
  readonly remove: () => Promise<void>;
}

/** The Deployment whose container runs `serve`, behind the Service that the registration names. */
export interface Deployed {
  readonly namespace: string;
  readonly service: string;
  /** Labels of its pods by which the Service finds them. */
  readonly selector: readonly (readonly [string, string])[];
  readonly deployment: JsonObject;
  /** Spec of its pods. */
  readonly spec: JsonObject;
  readonly container: JsonObject;
}

/** Finds the injector that the registration leads to, or says why it cannot. Rejects with an `ApiError`. */
export async function findDeployed(client: ApiClient, configuration: JsonObject): Promise<Deployed | string> {
  const [webhook] = objectsMember(configuration, 'webhooks');
  const named = objectMember(objectMember(webhook, 'clientConfig'), 'service');
  const namespace = stringMember(named, 'namespace');
  const name = stringMember(named, 'name');
  if (namespace === undefined || name === undefined) return 'the registration names no Service';
  const where = `${namespace}/${name}`;
  const service = await readService(client, namespace, name);
  const selector = Object.entries(objectMember(objectMember(service, 'spec'), 'selector') ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  if (selector.length === 0) return `Service ${where} is not there or selects no pods`;
  for (const deployment of await listDeployments(client, namespace)) {
    const template = objectMember(objectMember(deployment, 'spec'), 'template');
    const labels = objectMember(objectMember(template, 'metadata'), 'labels');
    const spec = objectMember(template, 'spec');
    const container = objectsMember(spec, 'containers').find((one) => argumentsOf(one).includes('serve'));
    if (spec === undefined || container === undefined) continue;
    if (hasLabels(labels, Object.fromEntries(selector)))
      return { namespace, service: name, selector, deployment, spec, container };
  }
  return `no Deployment behind Service ${where} runs serve`;
}

/** Command and arguments of a container. */
export function argumentsOf(container: JsonObject): readonly string[] {
  const list = (name: string): unknown[] => [member(container, name) ?? []].flat();
  return [...list('command'), ...list('args')].filter((text) => typeof text === 'string');
}

/** Values of an option, written behind it or after `=`. */
function valuesOf(all: readonly string[], option: FileOption): string[] {
  return all.flatMap((text, index) => {
    if (text === option) return all[index + 1] ?? [];
    return text.startsWith(`${option}=`) ? text.slice(option.length + 1) : [];
  });
}

/** A path without the slash at its end. */
function trimmed(place: string): string {
  return place.replace(/\/$/, '');
}

/** A name that is one in any folder; the API server allows no others as keys. */
const fileName = /^(?!\.\.)[\w.-]+$/;

/** The files below a path of the container; undefined if they are not from a ConfigMap. */
async function readNamed(
  client: ApiClient,
  { namespace, spec, container }: Deployed,
  option: FileOption,
  place: string,
): Promise<Named | undefined> {
  const mounts = objectsMember(container, 'volumeMounts').map((mount) => ({
    name: stringMember(mount, 'name'),
    at: trimmed(stringMember(mount, 'mountPath') ?? ''),
    subPath: stringMember(mount, 'subPath'),
  }));
  const holding = mounts.filter(({ at }) => place === at || place.startsWith(`${at}/`));
  const [mount] = holding.toSorted((one, other) => other.at.length - one.at.length);
  const volume = objectsMember(spec, 'volumes').find((one) => stringMember(one, 'name') === mount?.name);
  const source = objectMember(volume, 'configMap');
  const configMap = stringMember(source, 'name');
  if (mount === undefined || configMap === undefined) return undefined;
  const found = await readConfigMap(client, namespace, configMap);
  const data = Object.entries(objectMember(found, 'data') ?? {});
  const items = objectsMember(source, 'items');
  const texts = data.flatMap(([key, text]): MountedFile[] => {
    const item = items.find((one) => stringMember(one, 'key') === key);
    const name = items.length === 0 ? key : (item && stringMember(item, 'path')) || undefined;
    return typeof text === 'string' && name !== undefined && fileName.test(name) ? [{ name, key, text }] : [];
  });
  const wanted = mount.subPath ?? place.slice(mount.at.length).replace(/^\//, '');
  const files = wanted === '' ? texts : texts.filter(({ name }) => name === wanted);
  const isFolder = wanted === '';
  return { option, configMap: `${namespace}/${configMap}`, isFolder, files };
}

async function copy(named: readonly Named[]): Promise<DeployedFiles> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-'));
  const places = new Map<FileOption, string[]>();
  const origins = new Map<FileOption, string[]>();
  const keys = new Map<string, ConfigMapKey>();
  for (const [index, { option, configMap, isFolder, files }] of named.entries()) {
    if (files.length === 0) continue;
    const own = path.join(folder, String(index));
    await mkdir(own);
    for (const { name, text } of files) await writeFile(path.join(own, name), text);
    for (const { name, key } of files) keys.set(path.join(own, name), { configMap, key });
    const found = isFolder ? [own] : files.map(({ name }) => path.join(own, name));
    places.set(option, [...(places.get(option) ?? []), ...found]);
    origins.set(option, [...(origins.get(option) ?? []), configMap]);
  }
  const told = (file: string): string => {
    const at = keys.get(file);
    return at === undefined ? file : `ConfigMap ${at.configMap}, ${at.key}`;
  };
  const settings = places.get('--settings')?.at(-1);
  return {
    settings,
    settingsKey: settings === undefined ? undefined : keys.get(settings),
    sidecars: places.get('--sidecars'),
    meshRoots: places.get('--mesh-roots')?.at(-1),
    origins,
    named: (problem) => ({ ...problem, file: told(problem.file) }),
    remove: () => rm(folder, { recursive: true }),
  };
}

/**
 * Copies the files of the injector that the registration's Service leads to, as far as they are in ConfigMaps, to a folder
 * on this machine.
 *
 * @returns why nothing is known, if the injector cannot be found or the user may not read it
 */
export async function copyDeployedFiles(client: ApiClient, configuration: JsonObject): Promise<DeployedFiles | string> {
  try {
    const deployed = await findDeployed(client, configuration);
    if (typeof deployed === 'string') return deployed;
    const all = argumentsOf(deployed.container);
    const wanted = fileOptions.flatMap((option) =>
      valuesOf(all, option).map((value) => ({ option, place: trimmed(value) })),
    );
    const named = await Promise.all(wanted.map(({ option, place }) => readNamed(client, deployed, option, place)));
    return await copy(named.filter((one) => one !== undefined));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.message;
  }
}
