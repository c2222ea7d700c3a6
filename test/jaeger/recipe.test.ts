import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { root } from '../../scripts/checkout.ts';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';
import { createMeshNetwork, type MeshNetwork } from '../support/mesh/mesh-network.ts';
import { createMeshPod, type MeshPod } from '../support/mesh/mesh-pod.ts';
import { startAgent, type Agent, type Heard } from '../support/network/agent.ts';
import { captureEnvironment, captureScript } from '../support/network/capture-script.ts';
import { envoyBinary } from '../support/network/envoy.ts';
import { inNamespace } from '../support/network/pod-namespace.ts';
import { accessibleTo } from '../support/processes/accessible-file.ts';
import { proxyUser } from '../../src/pod/conventions.ts';
import { startProgram, type BackgroundProgram } from '../support/processes/background-program.ts';
import { until } from '../support/waiting.ts';

/*
 * The recipe of docs/observability.md: proxies with the example's settings, the real collector with the example's configuration,
 * and the real Jaeger as its image starts it, each in a pod of its own and found by its name in the cluster.
 */

jest.setTimeout(120_000);

const example = (file: string): string => path.join(root, 'examples/observability', file);
const names = ['front', 'back', 'otel-collector', 'jaeger'] as const;
type Name = (typeof names)[number];

let folder: string;
let network: MeshNetwork;
let outside: Agent;
let binary: ReturnType<typeof accessibleTo>;
const apps = new Map<string, Agent>();
const pods = new Map<string, MeshPod & { readonly close: () => void }>();
const programs: BackgroundProgram[] = [];

function placeOf(name: Name): MeshNetwork['pods'][number] {
  const place = network.pods[names.indexOf(name)];
  if (place === undefined) throw new Error(`there is no pod ${name}`);
  return place;
}

/** Files that a pod finds in /etc. */
const hostsFolder = (namespace: string): string => path.join('/etc/netns', namespace);

/** Names are found in a file, because no DNS is here; what is asked for beside them is refused at once. */
async function writeHosts(): Promise<void> {
  const services = (['otel-collector', 'jaeger'] as const).map(
    (name) => `${placeOf(name).v4} ${name}.observability.svc.cluster.local`,
  );
  for (const { name } of network.pods) {
    await mkdir(hostsFolder(name), { recursive: true });
    await writeFile(path.join(hostsFolder(name), 'hosts'), ['127.0.0.1 localhost', ...services, ''].join('\n'));
    await writeFile(path.join(hostsFolder(name), 'resolv.conf'), 'nameserver 127.0.0.1\n');
  }
}

/** Starts a program in its pod, and waits until it says that it is ready. */
async function start(
  name: Name,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [program, ...words] = [...inNamespace(placeOf(name).name), ...command];
  const started = startProgram(name, [program, ...words], {
    logFile: path.join(folder, `${name}.log`),
    env: { ...process.env, ...env },
  });
  programs.push(started);
  await until(`${name} is ready`, async () => {
    const log = await started.readLog();
    if (!started.isRunning()) throw new Error(`${name} has ended:\n${log}`);
    return log.includes('Everything is ready') || undefined;
  });
}

async function readTracing() {
  const settings = parse(await readFile(example('settings.yaml'), 'utf8')) as { readonly spec: object };
  const { tracing } = snapshotOf(settings.spec).settings.proxy;
  if (tracing === undefined) throw new Error('the example has no tracing');
  return tracing;
}

type Tracing = Awaited<ReturnType<typeof readTracing>>;

async function startProxies(tracing: Tracing): Promise<void> {
  for (const name of ['front', 'back'] as const) {
    pods.get(name)?.close();
    const app = apps.get(name);
    if (app === undefined) throw new Error(`there is no application ${name}`);
    const place = { network, own: placeOf(name), app, binary: binary.path, folder };
    const control = { address: '', roots: '', token: '' };
    const pod = createMeshPod({ name, settings: { tracing } }, { ...place, control });
    pods.set(name, pod);
    await pod.startProxy('standalone');
  }
}

async function stopProxies(): Promise<void> {
  for (const pod of pods.values()) await pod.stopProxy();
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jaeger-'));
  await chmod(folder, 0o755);
  network = createMeshNetwork('jaeger', names.length);
  await writeHosts();
  binary = accessibleTo(proxyUser.uid, envoyBinary());
  outside = await startAgent(network.hub);
  for (const name of ['front', 'back'] as const) {
    const { name: namespace } = placeOf(name);
    const { status, stderr } = network.run(namespace, [captureScript], { env: captureEnvironment(captureIntent()) });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const app = await startAgent(namespace, 1000);
    await app.listen({ kind: 'http', port: 8080 });
    apps.set(name, app);
  }
  // As the image has it.
  await start('jaeger', [process.env['JAEGER_BIN'] ?? ''], { JAEGER_LISTEN_HOST: '0.0.0.0' });
  const [configuration] = parseAllDocuments(await readFile(example('collector.yaml'), 'utf8'));
  const file = path.join(folder, 'collector.yaml');
  await writeFile(file, String(configuration?.getIn(['data', 'collector.yaml'])));
  await start('otel-collector', [process.env['COLLECTOR_BIN'] ?? '', `--config=${file}`]);
});

afterAll(async () => {
  await stopProxies();
  for (const pod of pods.values()) pod.close();
  for (const one of programs) await one.stop('SIGTERM');
  for (const app of apps.values()) await app.stop();
  await outside.stop();
  for (const { name } of network.pods) await rm(hostsFolder(name), { recursive: true, force: true });
  network.remove();
  binary.remove();
  await rm(folder, { recursive: true });
});

interface Span {
  readonly spanID: string;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  readonly processID: string;
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

interface Trace {
  readonly spans: readonly Span[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

function askJaeger(query: string): unknown {
  const { v4 } = placeOf('jaeger');
  const { stdout } = network.run(network.hub, ['curl', '--silent', `http://${v4}:16686${query}`]);
  const { data }: { readonly data?: unknown } = JSON.parse(stdout);
  return data;
}

/** The spans of a trace by their ids, once there are so many. */
async function untilTraced(traceId: string, count: number) {
  let logs: readonly string[] = [];
  const trace = await until(
    () => `${count} spans of the trace ${traceId}: ${logs.join('\n')}`,
    async () => {
      logs = await Promise.all(programs.map((one) => one.readLog()));
      const [found] = (askJaeger(`/api/traces/${traceId}`) ?? []) as readonly Trace[];
      return found !== undefined && found.spans.length >= count ? found : undefined;
    },
    60_000,
  );
  return trace.spans.map(({ spanID, references, processID, tags }) => ({
    id: spanID,
    parents: references.map(({ refType, spanID: parent }) => `${refType} ${parent}`),
    service: trace.processes[processID]?.serviceName,
    kind: tags.find(({ key }) => key === 'span.kind')?.value,
    url: tags.find(({ key }) => key === 'http.url')?.value,
  }));
}

/** The span of which an application was told. */
function spanIn(body: string): string {
  const { rawHeaders } = JSON.parse(body) as Heard;
  const told = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'traceparent') + 1] ?? '';
  return told.split('-')[2] ?? '';
}

const caller = 'b7ad6b7169203331';

test.each([
  ['through the collector', '0af7651916cd43dd8448eb211c80319c', (tracing: Tracing): Tracing => tracing],
  [
    'without a collector between',
    '1bf7651916cd43dd8448eb211c80319c',
    (tracing: Tracing): Tracing => ({ ...tracing, host: 'jaeger.observability.svc.cluster.local' }),
  ],
])('Jaeger has the trace of a call that passes two proxies: %s', async (_, traceId, change) => {
  await startProxies(change(await readTracing()));
  const traceparent = (span: string): string => `00-${traceId}-${span}-01`;
  const url = (name: Name): string => `http://${placeOf(name).v4}:8080/orders?of=${name}`;
  const first = await outside.ask({ url: url('front'), headers: { traceparent: traceparent(caller) } });
  const inbound = spanIn(first.body);
  // The application copies the header from what it has got to what it sends.
  const second = await apps.get('front')?.ask({ url: url('back'), headers: { traceparent: traceparent(inbound) } });
  const last = spanIn(second?.body ?? '{}');
  const spans = await untilTraced(traceId, 3);
  const outbound = spans.find(({ id }) => id !== inbound && id !== last)?.id;
  expect(spans).toHaveLength(3);
  expect(spans).toEqual(
    expect.arrayContaining([
      { id: inbound, parents: [`CHILD_OF ${caller}`], service: 'front.shop', kind: 'server', url: url('front') },
      { id: outbound, parents: [`CHILD_OF ${inbound}`], service: 'front.shop', kind: 'client', url: url('back') },
      { id: last, parents: [`CHILD_OF ${outbound}`], service: 'back.shop', kind: 'server', url: url('back') },
    ]),
  );
  expect(askJaeger('/api/services')).toEqual(expect.arrayContaining(['front.shop', 'back.shop']));
  await stopProxies();
});

test('the example names the version that is run', async () => {
  const text = await readFile(path.join(root, 'test/jaeger/program/go.mod'), 'utf8');
  const [, minor] = /github\.com\/jaegertracing\/jaeger v1\.(\d+)\.0 /m.exec(text) ?? [];
  // Jaeger 2 is released from the same commits as 1 was: 1.76.0 is 2.13.0 (its CHANGELOG.md).
  const image = `jaegertracing/jaeger:2.${Number(minor) - 63}.0`;
  expect(await readFile(example('jaeger.yaml'), 'utf8')).toContain(`image: ${image}\n`);
});
