import { stringify } from 'yaml';
import { version } from '../../../index.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { ApiError } from '../../../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../../../kubernetes/client.ts';
import { listAll } from '../../../kubernetes/list.ts';
import { namespaceName, webhookConfigurationName } from '../../../kubernetes/names.ts';
import { webhookConfigurationPath } from '../../../kubernetes/bundle-publisher.ts';
import type { Checked } from '../check/walk.ts';
import { resultLines, resultView } from '../check/text.ts';
import { isOwn, nameOf, redactObject, redactText } from './redaction.ts';
import { redactManifest } from './settings-text.ts';
import type { ArchiveFile } from './tar.ts';

/** Lines of each replica's log. */
const logLines = 5_000;
const logInactivityMs = 20_000;

/** What was collected, and what could not be. */
export interface Collection {
  readonly files: readonly ArchiveFile[];
  readonly problems: readonly string[];
}

function collector() {
  const files: ArchiveFile[] = [];
  const problems: string[] = [];
  return {
    files,
    problems,
    /** Adds what is read, or says why it cannot be. */
    add: async (read: () => Promise<readonly ArchiveFile[]>): Promise<void> => {
      try {
        files.push(...(await read()));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        problems.push(error.message);
      }
    },
  };
}

function yamlOf(object: JsonObject): string {
  return stringify(redactObject(object, isOwn(object)));
}

function objectsFile(name: string, objects: readonly JsonObject[]): ArchiveFile {
  return { name: `${name}.yaml`, text: objects.map(yamlOf).join('---\n') };
}

/** Reads the log of a container, and tells what of it could be read, also if that is not all. */
async function readLog(client: ApiClient, path: string): Promise<string> {
  const lines: string[] = [];
  const done = new AbortController();
  const options = { signal: done.signal, inactivityMs: logInactivityMs };
  try {
    await client.stream(`${path}&tailLines=${logLines}`, (line) => void lines.push(line), options);
  } catch (error) {
    // A log may end within a line: that of a program which was killed.
    if (!(error instanceof ApiError) || lines.length === 0) throw error;
    lines.push(`(cut off: ${error.message})`);
  }
  // As a whole: a key may be on many lines.
  return `${redactText(lines.join('\n'))}\n`;
}

/** Containers that may have a log. */
function containersOf(pod: JsonObject): readonly string[] {
  const spec = objectMember(pod, 'spec');
  return ['initContainers', 'containers'].flatMap((list) =>
    objectsMember(spec, list).flatMap((one) => stringMember(one, 'name') ?? []),
  );
}

/** A container's log, as a file and by its path. */
interface Log {
  readonly file: string;
  readonly path: string;
}

function logsOf(pods: string, pod: JsonObject): readonly Log[] {
  const name = nameOf(pod);
  const names = containersOf(pod);
  return names.map((container) => ({
    file: `logs/${fileName(name)}${names.length === 1 ? '' : `.${fileName(container).slice(0, 30)}`}.log`,
    path: `${pods}/${pathSegment('pod', name)}/log?container=${pathSegment('container', container)}`,
  }));
}

/** Names for files of an archive, whatever the object is called. */
function fileName(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '_').slice(0, 60);
}

function eventLine(event: JsonObject): string {
  const regarding = objectMember(event, 'involvedObject');
  const parts = [
    stringMember(event, 'lastTimestamp') ?? stringMember(event, 'eventTime') ?? '',
    stringMember(event, 'type') ?? '',
    stringMember(event, 'reason') ?? '',
    `${stringMember(regarding, 'kind') ?? ''}/${stringMember(regarding, 'name') ?? ''}`,
    redactText(stringMember(event, 'message') ?? ''),
  ];
  return parts.join('  ');
}

/** Collects what describes an installation, without anything confidential. */
export async function collect(
  client: ApiClient,
  results: readonly Checked[],
  { time, namespace = namespaceName }: { readonly time: Date; readonly namespace?: string },
): Promise<Collection> {
  const own = `/api/v1/namespaces/${pathSegment('namespace', namespace)}`;
  const { files, problems, add } = collector();
  files.push(
    { name: 'check.txt', text: `${redactText(resultLines(results).join('\n'))}\n` },
    { name: 'check.json', text: redactText(JSON.stringify(resultView(results), null, 2)) },
  );
  await add(async () => [{ name: 'server-version.yaml', text: yamlOf((await client.get('/version')).body) }]);
  await add(async () => {
    const { body } = await client.get(webhookConfigurationPath(webhookConfigurationName));
    return [{ name: 'registration.yaml', text: yamlOf(body) }];
  });
  for (const [name, path] of [
    ['deployments', `/apis/apps/v1/namespaces/${namespace}/deployments`],
    ['services', `${own}/services`],
    ['endpointslices', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`],
    ['poddisruptionbudgets', `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`],
    ['networkpolicies', `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`],
  ] as const) {
    await add(async () => [objectsFile(name, await listAll(client, path))]);
  }
  const logs: Log[] = [];
  await add(async () => {
    const pods = await listAll(client, `${own}/pods`);
    logs.push(...pods.filter(isOwn).flatMap((pod) => logsOf(`${own}/pods`, pod)));
    return [objectsFile('pods', pods)];
  });
  await add(async () => {
    const found = (await listAll(client, `${own}/configmaps`)).filter((one) =>
      nameOf(one).startsWith('sidecar-injector'),
    );
    return found.flatMap((one) =>
      Object.entries(objectMember(one, 'data') ?? {}).map(([key, text]) => ({
        name: `configmaps/${fileName(nameOf(one))}/${fileName(key)}`.slice(0, 100),
        text: typeof text === 'string' && /\.(ya?ml|json)$/.test(key) ? redactManifest(text) : '',
      })),
    );
  });
  await add(async () => {
    const events = await listAll(client, `${own}/events`);
    return [{ name: 'events.txt', text: `${events.map(eventLine).toSorted().join('\n')}\n` }];
  });
  await add(async () => {
    const namespaces = await listAll(client, '/api/v1/namespaces');
    const lines = namespaces.map(
      (one) => `${nameOf(one)} ${JSON.stringify(objectMember(objectMember(one, 'metadata'), 'labels') ?? {})}`,
    );
    return [{ name: 'namespaces.txt', text: `${lines.join('\n')}\n` }];
  });
  for (const { file, path } of logs) {
    await add(async () => [{ name: file, text: await readLog(client, path) }]);
  }
  const about = [
    `sidecar-injector ${version}`,
    `collected ${time.toISOString()}`,
    'Without values of variables, contents of Secrets, headers, tokens and keys. Read it before you pass it on.',
    "Of pods in this namespace that are not the injector's: without commands and logs.",
    ...problems.map((problem) => `not collected: ${problem}`),
  ];
  return { files: [{ name: 'README.txt', text: `${about.join('\n')}\n` }, ...files], problems };
}
