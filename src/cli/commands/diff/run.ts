import { createInjector, type Injector, type JsonObject } from '../../../index.ts';
import { readFacts } from '../../../injection/namespace-facts.ts';
import { withClusterFacts } from '../../../injection/snapshot.ts';
import { ApiError } from '../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { webhookConfigurationName } from '../../../kubernetes/names.ts';
import { readNamespace, readWebhookConfiguration } from '../../../kubernetes/objects.ts';
import { featuresOf, readServerVersion } from '../../../kubernetes/server-version.ts';
import { exitCodes, print, printJson, remark, report, separated, warn, type Failure, type Io } from '../../io.ts';
import { connectAs } from '../../kubeconfig.ts';
import { loadInjector } from '../../live/live-injector.ts';
import { readEntries } from '../../../audit/reading.ts';
import { partialFailure, inputFailure, readInput } from '../../manifests/input.ts';
import { namespaceOf } from '../../manifests/webhook-selectors.ts';
import { describeWorkload, findWorkloads, type Workload } from '../../manifests/workload.ts';
import { compare, type Comparison } from './comparison.ts';
import type { DiffOptions } from './options.ts';

interface Compared extends Comparison {
  readonly workload: Workload;
  readonly namespace: string;
}

async function withFacts(client: ApiClient, { snapshot }: Injector): Promise<Injector> {
  return createInjector(withClusterFacts(snapshot, featuresOf(await readServerVersion(client))));
}

async function compareAll(
  client: ApiClient,
  workloads: readonly Workload[],
  options: DiffOptions,
  io: Io,
): Promise<readonly Compared[] | Failure> {
  const configuration = await readWebhookConfiguration(client);
  if (configuration === undefined) {
    const problem = `the cluster has no MutatingWebhookConfiguration ${webhookConfigurationName}`;
    return { problems: [problem], remedy: 'install the injector first', code: exitCodes.failed };
  }
  const loaded = await loadInjector(client, options, configuration);
  if ('problems' in loaded) return loaded;
  remark(
    loaded.note.map((note) => note.replace('the injection policy below is that of', 'compared with')),
    io,
  );
  const injector = await withFacts(client, loaded.injector);
  const entries = readEntries(configuration);
  const holders = new Map<string, JsonObject | undefined>();
  const compared: Compared[] = [];
  for (const workload of workloads) {
    const name = namespaceOf(workload, options.namespace);
    if (!holders.has(name)) holders.set(name, await readNamespace(client, name));
    const holder = holders.get(name);
    if (holder === undefined) {
      return inputFailure([`${describeWorkload(workload)}: the cluster has no namespace ${name}`]);
    }
    const namespace = { name, ...readFacts(holder) };
    compared.push({
      workload,
      namespace: name,
      ...(await compare(client, workload, { injector, entries, namespace })),
    });
  }
  return compared;
}

function blockOf({ workload, namespace, isSame, lines }: Compared): string[] {
  const name = describeWorkload({ ...workload, namespace });
  const [first = '', ...more] = lines;
  if (isSame) return [`${name}: no differences (${first})`, ...more];
  return [
    `${name}: the webhook does something else (- as the settings say, + as the webhook does)`,
    ...lines.map((line) => `  ${line}`),
  ];
}

/** Runs `diff` and returns the exit code. */
export async function runDiff(options: DiffOptions, io: Io): Promise<number> {
  const input = await readInput(options, io);
  if ('problems' in input) return report(input, io);
  const { objects, warnings, unread } = findWorkloads(input);
  warn(warnings, io);
  const workloads = objects.flatMap((placed) => placed.workloads);
  if (workloads.length === 0) {
    return report(inputFailure(unread.length > 0 ? unread : ['the input has no object with a known pod template']), io);
  }
  let client: ApiClient | undefined;
  try {
    client = await connectAs(options);
    const compared = await compareAll(client, workloads, options, io);
    if ('problems' in compared) return report(compared, io);
    if (options.output === 'json') {
      printJson(
        compared.map(({ workload: { kind, name }, namespace, isSame, lines }) => ({
          kind,
          name,
          namespace,
          same: isSame,
          found: lines,
        })),
        io,
      );
    } else print(separated(compared.map(blockOf)), io);
    if (unread.length > 0) return report(partialFailure(unread), io);
    return compared.every(({ isSame }) => isSame) ? exitCodes.fine : exitCodes.different;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const remedy =
      'give a kubeconfig with --kubeconfig, and a user who may create pods there and read namespaces and webhook configurations';
    return report({ problems: [error.message], remedy, code: exitCodes.failed }, io);
  } finally {
    client?.close();
  }
}
