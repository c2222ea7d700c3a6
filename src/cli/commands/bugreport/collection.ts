import { stringify } from 'yaml';
import { version } from '../../../index.ts';
import { objectMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { ApiError } from '../../../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../../../kubernetes/client.ts';
import { listAll } from '../../../kubernetes/list.ts';
import { namespaceName, webhookConfigurationName } from '../../../kubernetes/names.ts';
import { webhookConfigurationPath } from '../../../kubernetes/bundle-publisher.ts';
import type { Checked } from '../check/walk.ts';
import { resultLines, resultView } from '../check/text.ts';
import { nameOf, redactObject, redactText } from './redaction.ts';
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
  return stringify(redactObject(object, true));
}

function objectsFile(name: string, objects: readonly JsonObject[]): ArchiveFile {
  return { name: `${name}.yaml`, text: objects.map(yamlOf).join('---\n') };
}

async function readLog(client: ApiClient, namespace: string, pod: string): Promise<string> {
  const lines: string[] = [];
  const path = `/api/v1/namespaces/${namespace}/pods/${pathSegment('pod', pod)}/log?tailLines=${logLines}`;
  const done = new AbortController();
  await client.stream(path, (line) => void lines.push(redactText(line)), {
    signal: done.signal,
    inactivityMs: logInactivityMs,
  });
  return `${lines.join('\n')}\n`;
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
  const replicas: string[] = [];
  await add(async () => {
    const pods = await listAll(client, `${own}/pods`);
    replicas.push(...pods.map(nameOf));
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
  for (const name of replicas) {
    await add(async () => [{ name: `logs/${fileName(name)}.log`, text: await readLog(client, namespace, name) }]);
  }
  const about = [
    `sidecar-injector ${version}`,
    `collected ${time.toISOString()}`,
    'Without values of variables, contents of Secrets, headers, tokens and keys. Read it before you pass it on.',
    ...problems.map((problem) => `not collected: ${problem}`),
  ];
  return { files: [{ name: 'README.txt', text: `${about.join('\n')}\n` }, ...files], problems };
}
