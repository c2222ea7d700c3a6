// Shows what the webhook does to one Deployment, over HTTPS on loopback, without a cluster.
import { root } from './checkout.ts';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import jsonPatch from 'fast-json-patch';
import { parseAllDocuments } from 'yaml';
import { decide } from '../src/index.ts';
import { serve } from '../src/runtime/serve.ts';
import { loadConfiguration } from '../src/runtime/configuration.ts';
import { isObject, objectMember, stringMember, type JsonObject } from '../src/json/json.ts';
import { createLog } from '../src/telemetry/log.ts';
import { podOfDeployment } from './demo/pod.ts';
import { describeAnswer } from './demo/report.ts';
import { reviewOf } from './review.ts';

// A reader that has seen enough (`| head`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const manifest = path.join(root, 'examples/httpd/httpd.yaml');
const output = path.join(root, 'demo-output');
const namespace = 'default';

async function post(port: number, ca: string, agent: Agent, body: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', port, path: '/inject?timeout=5s', method: 'POST', ca, agent, headers };
  const call = request(options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
      else reject(new Error(`the webhook answered ${response.statusCode}`));
    });
  });
  call.on('error', reject);
  call.end(body);
  return promise;
}

function say(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const documents = parseAllDocuments(await readFile(manifest, 'utf8'), { version: '1.1' });
  const deployment = documents
    .map((document): unknown => document.toJS())
    .find((value) => isObject(value) && value['kind'] === 'Deployment');
  if (!isObject(deployment)) throw new Error(`${manifest} holds no Deployment`);
  const pod = podOfDeployment(deployment, namespace);

  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-demo-'));
  const caFile = path.join(folder, 'ca.pem');
  const started = performance.now();
  const serving = await serve(
    {
      listen: { host: '127.0.0.1', port: 0 },
      metricsListen: { host: '127.0.0.1', port: 0 },
      settings: undefined,
      sidecars: undefined,
      certificate: { kind: 'dev', caFile },
      kubeconfig: undefined,
      drainMs: 0,
    },
    createLog('warn', { write: (line) => void process.stderr.write(line) }),
  );
  const agent = new Agent({ keepAlive: true });
  try {
    const ca = await readFile(caFile, 'utf8');
    say([
      `1. The webhook serves on https://127.0.0.1:${serving.address.port}/inject after ${Math.round(performance.now() - started)} ms; its certificate is signed by a CA in memory.`,
      `2. A pod of Deployment ${stringMember(objectMember(deployment, 'metadata'), 'name')} (examples/httpd/httpd.yaml) is sent as an API server would, over TLS verified with that CA.`,
      '',
    ]);
    const body = JSON.stringify(reviewOf(pod, namespace));
    const before = performance.now();
    const answer = JSON.parse(await post(serving.address.port, ca, agent, body)) as { response: JsonObject };
    const firstMs = performance.now() - before;
    const rounds = 100;
    const many = performance.now();
    for (let round = 0; round < rounds; round++) await post(serving.address.port, ca, agent, body);
    const laterMs = (performance.now() - many) / rounds;

    const patchText = Buffer.from(stringMember(answer.response, 'patch') ?? '', 'base64').toString('utf8');
    const operations = JSON.parse(patchText) as jsonPatch.Operation[];
    const after = jsonPatch.applyPatch(structuredClone(pod), operations).newDocument;
    const audit = objectMember(answer.response, 'auditAnnotations');
    const warnings = answer.response['warnings'];
    const loaded = await loadConfiguration({});
    if ('problems' in loaded) throw new Error('the built-in settings are wrong');
    say(
      describeAnswer({
        before: pod,
        after,
        decision: stringMember(audit, 'decision') ?? '',
        reasons: stringMember(audit, 'reasons') ?? '',
        why: decide({ pod, namespace }, loaded.snapshot).reasons[0].message,
        warnings: Array.isArray(warnings) ? (warnings as string[]) : [],
        operations: operations.length,
        patchBytes: patchText.length,
        firstMs,
        laterMs,
      }),
    );
    await mkdir(output, { recursive: true });
    const injected = path.join(output, 'httpd.yaml');
    const program = path.join(root, 'bin/sidecar-injector.mjs');
    const { stdout: yaml } = await promisify(execFile)(process.execPath, [program, 'inject', '-f', manifest]);
    await writeFile(injected, yaml);
    say([
      '',
      `The injected manifest is in ${path.relative(process.cwd(), injected)}; \`diff examples/httpd/httpd.yaml demo-output/httpd.yaml\` shows what changed.`,
      'To put it on a cluster that has the images (README.md, Install):',
      '  by hand:        kubectl apply -f demo-output/httpd.yaml',
      '  automatically:  kubectl apply -f deploy/install.yaml',
      '                  kubectl label namespace default istio-injection=enabled',
      '                  kubectl apply -f examples/httpd/httpd.yaml',
    ]);
  } finally {
    agent.destroy();
    await serving.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
