import { isObject, type JsonObject } from '../../../../json/json.ts';
import { findDestination } from '../../../../mesh/explain/destination.ts';
import { explain } from '../../../../mesh/explain/explanation.ts';
import { askedLabels, viewOf } from '../../../../mesh/plan/client-view.ts';
import { indexRules } from '../../../../mesh/plan/rule-index.ts';
import type { Known } from '../../../../mesh/plan/service-traffic.ts';
import { worldOfObjects } from '../../../../mesh/report/world-of-objects.ts';
import { exitCodes, print, printJson, report, type Failure, type Io } from '../../../io.ts';
import { asApplied, withWords, type Applied } from '../as-applied.ts';
import { applied, readClusterIf, readFiles } from '../objects.ts';
import { readCall, readClient, type WrittenCall } from './call.ts';
import { findClient, trafficOf } from './client.ts';
import type { ExplainedCall } from './explained-call.ts';
import type { ExplainCallOptions } from './options.ts';
import { explanationLines } from './text.ts';

/** Reads the files and the cluster, whichever are asked for. */
async function readObjects(options: ExplainCallOptions, namespace: string, io: Io): Promise<Applied | Failure> {
  const filenames = options.filename ?? [];
  const files = await readFiles(filenames, io);
  if ('problems' in files) return files;
  const isLive = options.live === true || filenames.length === 0;
  const live = await readClusterIf(isLive, options);
  if ('problems' in live) return live;
  const { objects, words } = asApplied(files.objects, files.found, namespace, live.objects);
  return { objects: applied(live.objects, objects, namespace), words };
}

function failed(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.failed };
}

function notesOf(
  { client, destination, explanation }: Omit<ExplainedCall, 'notes'>,
  isOfFiles: boolean,
): readonly string[] {
  const { pod, traffic, isAssumed } = client;
  return [
    ...(isOfFiles
      ? [
          'pods and addresses that the files do not have are assumed, as if the cluster had injected the pods in mode mesh by the built-in settings',
        ]
      : []),
    ...(traffic === undefined
      ? [
          `pod ${pod.key} has no proxy of the mesh: no rule counts for its calls, and Kubernetes leads them to a ready endpoint as they are`,
        ]
      : []),
    ...(isAssumed ? ['the settings of its proxy cannot be read, so those that are built in are assumed'] : []),
    ...(destination.addresses > 1
      ? [`the name has ${destination.addresses} addresses; this is a call to the first one`]
      : []),
    ...(explanation?.keepsLastRoutes === true
      ? [
          'an object names what does not exist: the control plane keeps the last good routes of this port, which are not known here',
        ]
      : []),
  ];
}

function explainCall(
  written: { readonly client: Exclude<ReturnType<typeof readClient>, Failure>; readonly call: WrittenCall },
  objects: readonly JsonObject[],
  options: ExplainCallOptions,
): ExplainedCall | Failure {
  const { namespace = 'default', clusterDomain: cluster, rootNamespace } = options;
  const client = findClient(written.client, namespace, objects);
  if ('problems' in client) return client;
  const world = worldOfObjects(objects, namespace);
  const domains = { cluster, trust: cluster, rootNamespace };
  const known: Known = { world, domains, index: indexRules(world.rules, domains) };
  const { call } = written;
  const destination = findDestination(known, call.host, namespace);
  if ('problem' in destination) return failed(destination.problem, 'name a Service as the client would, or an address');
  const { service } = destination;
  const ports = service?.ports.map(({ number }) => number) ?? [];
  if (service?.isHeadless === false && !ports.includes(call.port))
    return failed(
      `Service ${service.key} has no port ${call.port}; it has ${ports.join(', ')}`,
      'give one of its ports',
    );
  const { pod, traffic } = client;
  const view = viewOf(pod, askedLabels(world.rules));
  const explanation =
    traffic && explain(known, { view, traffic }, { ...call, destination }, (one) => trafficOf(one, objects));
  const all = { client, call, destination, explanation };
  return { ...all, notes: notesOf(all, (options.filename ?? []).length > 0 && options.live !== true) };
}

/** What is printed as JSON; of objects that are named, what tells them from others. */
function jsonOf({ client, call, destination, explanation, notes }: ExplainedCall): string {
  const { pod, traffic } = client;
  const { address, service } = destination;
  const { request, speaks, scheme, host, port } = call;
  const shown = {
    client: { pod: pod.key, workload: pod.workload, hasProxy: traffic !== undefined },
    call: {
      scheme,
      host,
      port,
      ...(speaks === 'http' ? { request: { ...request, headers: Object.fromEntries(request.headers) } } : {}),
    },
    destination: { address, service: service?.key },
    ...explanation,
    notes,
  };
  return JSON.stringify(shown, (key, value: unknown) => {
    if (key !== 'ref' || !isObject(value)) return value;
    const { kind, namespace, name } = value;
    return { kind, namespace, name };
  });
}

/** Runs `mesh explain` and returns its exit code. */
export async function runExplainCall(src: string, dst: string, options: ExplainCallOptions, io: Io): Promise<number> {
  const client = readClient(src);
  if ('problems' in client) return report(client, io);
  const call = readCall(dst, options);
  if ('problems' in call) return report(call, io);
  const read = await readObjects(options, options.namespace ?? 'default', io);
  if ('problems' in read) return report(read, io);
  const explained = explainCall({ client, call }, read.objects, options);
  if ('problems' in explained) return report(explained, io);
  const { words } = read;
  if (options.output === 'json') printJson(JSON.parse(withWords(jsonOf(explained), words)), io);
  else
    print(
      explanationLines(explained).map((line) => withWords(line, words)),
      io,
    );
  return exitCodes.fine;
}
