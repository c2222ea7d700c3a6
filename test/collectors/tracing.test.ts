import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { root } from '../../scripts/checkout.ts';
import { captureIntent } from '../support/builders/capture-intent.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';
import { startAgent, type Agent, type Heard } from '../support/network/agent.ts';
import { captureTraffic } from '../support/network/capture-script.ts';
import { startEnvoy, type RunningEnvoy } from '../support/network/envoy.ts';
import { addresses, createPodNamespace, inNamespace, type PodNamespace } from '../support/network/pod-namespace.ts';
import { startProgram, type BackgroundProgram } from '../support/processes/background-program.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';
import { until } from '../support/waiting.ts';

/*
 * A real Envoy with the bootstrap of an injected pod sends spans to a real OpenTelemetry collector, which has the configuration
 * of examples/observability and hands them on to a second one in place of Jaeger, which writes down what it gets.
 */

jest.setTimeout(60_000);

const traceId = '0af7651916cd43dd8448eb211c80319c';
const url = `http://${addresses.pod.v4}:8080/orders?id=7`;
const example = (file: string) => path.join(root, 'examples/observability', file);

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly ports?: readonly { readonly port: number }[] };
}

const readManifests = async (file: string): Promise<readonly Manifest[]> =>
  parseAllDocuments(await readFile(example(file), 'utf8')).map((one) => one.toJS() as Manifest);

let folder: string;
let pod: PodNamespace;
let app: Agent;
let outside: Agent;
let envoy: RunningEnvoy;
const collectors: BackgroundProgram[] = [];

/** Starts a collector beside the pod, and waits until it takes spans. */
async function startCollector(name: string, configuration: string): Promise<BackgroundProgram> {
  const file = path.join(folder, `${name}.yaml`);
  await writeFile(file, configuration);
  const command = [process.env['COLLECTOR_BIN'] ?? '', `--config=file:${file}`];
  const [program, ...words] = [...inNamespace(pod.name.cluster), ...command];
  const started = startProgram(name, [program, ...words], { logFile: path.join(folder, `${name}.log`) });
  collectors.push(started);
  await until(`${name} is ready`, async () => {
    const log = await started.readLog();
    if (!started.isRunning()) throw new Error(`${name} ended:\n${log}`);
    return log.includes('Everything is ready') || undefined;
  });
  return started;
}

/** In place of Jaeger: takes spans at another port of the same machine, and writes them down whole. */
const store = `
receivers: { otlp: { protocols: { grpc: { endpoint: 0.0.0.0:14317 } } } }
exporters: { debug: { verbosity: detailed, use_internal_logger: false, output_paths: [stdout] } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [debug] } }
`;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'collectors-'));
  pod = createPodNamespace('collectors');
  captureTraffic(pod, captureIntent());
  app = await startAgent(pod.name.pod, 1000);
  outside = await startAgent(pod.name.cluster);
  await app.listen({ kind: 'http', port: 8080 });
  const config = (await readManifests('collector.yaml')).find(({ kind }) => kind === 'ConfigMap');
  const shipped = config?.data?.['collector.yaml'] ?? '';
  const address = 'jaeger.observability.svc.cluster.local:4317';
  expect(shipped).toContain(address);
  await startCollector('store', store);
  // The only differences: where Jaeger is, and that two programs here cannot have the same port for their own metrics.
  const local = shipped
    .replace(address, `${addresses.cluster.v4}:14317`)
    .replace(/^service:$/m, 'service:\n  telemetry: { metrics: { level: none } }');
  const collector = await startCollector('collector', local);
  expect(await collector.readLog()).not.toMatch(/deprecated|\twarn\t/);
  const tracing = { host: addresses.cluster.v4, port: 4317, samplingPercent: 100 };
  envoy = await startEnvoy(pod, proxyIntent({ tracing }));
});

afterAll(async () => {
  await envoy.stop();
  for (const one of collectors) await one.stop('SIGTERM');
  await app.stop();
  await outside.stop();
  pod.remove();
  await rm(folder, { recursive: true });
});

test('a span reaches the store through the collector, with the trace, the service and what the request was', async () => {
  const { status, body } = await outside.ask({ url, headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } });
  expect(status).toBe(200);
  const { rawHeaders } = JSON.parse(body) as Heard;
  const told = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'traceparent') + 1] ?? '';
  const span = told.split('-')[2] ?? '';
  let logs: readonly string[] = [];
  const text = await until(
    () => `the span ${span}: ${logs.join('\n')}`,
    async () => {
      logs = await Promise.all(collectors.map((one) => one.readLog()));
      return logs[0]?.includes(span) ? logs[0] : undefined;
    },
    30_000,
  );
  for (const part of [
    /-> service\.name: Str\(web\.shop\)/,
    new RegExp(`Trace ID +: ${traceId}`),
    new RegExp(`Parent ID +: b7ad6b7169203331`),
    new RegExp(`ID +: ${span}`),
    /Kind +: Server/,
    /-> http\.method: Str\(GET\)/,
    /-> http\.status_code: Str\(200\)/,
    /-> http\.url: Str\(http:\/\/10\.77\.0\.2:8080\/orders\?id=7\)/,
  ]) {
    expect(text).toMatch(part);
  }
});

/** A line as the node's container runtime writes it. */
const nodeLine = (line: string) => `2026-11-30T21:00:00.123456789Z stdout F ${line}`;

test('what Fluentd is told to read are the lines of a real access log, and no others of the container', async () => {
  await outside.ask({ url });
  const line = await until('an access log line', () =>
    envoy.output.stdout.split('\n').find((text) => text.includes('/orders?id=7')),
  );
  const [config] = await readManifests('fluentd.yaml');
  const text = config?.data?.['fluent.conf'] ?? '';
  const expression = (name: string) => new RegExp(new RegExp(`^ *${name} /(.*)/$`, 'm').exec(text)?.[1] ?? '$^');
  const groups = expression('expression').exec(nodeLine(line))?.groups;
  expect(groups).toMatchObject({ stream: 'stdout', whole: 'F', line });
  expect(JSON.parse(groups?.['line'] ?? '')).toMatchObject({ method: 'GET', path: '/orders?id=7', response_code: 200 });
  expect(line).toMatch(expression('pattern'));
  expect('[2026-11-30 21:00:00.123][1][warning][misc] Deprecated field').not.toMatch(expression('pattern'));
  const file = '/var/log/containers/web-5d8f-x_shop_istio-proxy-0123456789abcdef.log';
  const ofFile = [...text.matchAll(/record\["file"\]\[(?:%r\{(.+)\}|\/(.+)\/), 1\]/g)].map(
    ([, bracketed, slashed]) => new RegExp(bracketed ?? slashed ?? '').exec(file)?.[1],
  );
  expect(ofFile).toEqual(['web-5d8f-x', 'shop']);
});

test('the examples fit together: settings, Services and collector name the same ports', async () => {
  const settings = parse(await readFile(example('settings.yaml'), 'utf8')) as { readonly spec: object };
  const { tracing } = snapshotOf(settings.spec).settings.proxy;
  const services = (await Promise.all(['collector.yaml', 'jaeger.yaml'].map(readManifests)))
    .flat()
    .filter(({ kind }) => kind === 'Service')
    .flatMap(({ metadata, spec }) =>
      (spec?.ports ?? []).map(({ port }) => `${metadata.name}.${metadata.namespace}.svc.cluster.local:${port}`),
    );
  expect(services).toContain(`${tracing?.host}:${tracing?.port}`);
  expect(services).toContain('jaeger.observability.svc.cluster.local:4317');
});
