import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { writeAnswer } from '../../../src/admission/answer.ts';
import { createInjector } from '../../../src/index.ts';
import { isObject, type Json, type JsonObject } from '../../../src/json/json.ts';
import { describeReview } from '../../../src/server/review-log.ts';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { hiddenCharacters, hiddenText } from '../../support/builders/hidden-text.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { snapshotWithShipped } from '../../support/sidecars/shipped-sidecars.ts';

const annotations = annotationTable.filter(({ kind }) => kind === 'annotation').map(({ name }) => name);

const pod: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { app: 'web', 'sidecar.istio.io/inject': 'true' },
    annotations: { 'example.com/a': 'b' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', controller: true }],
  },
  spec: {
    initContainers: [{ name: 'setup', image: 'setup:1', restartPolicy: 'Always' }],
    containers: [
      {
        name: 'app',
        image: 'app:1',
        env: [{ name: 'A', value: 'b' }],
        ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
        resources: { requests: { cpu: '1' } },
        readinessProbe: {
          httpGet: { path: '/ready', port: 'http', host: 'h', httpHeaders: [{ name: 'X', value: 'y' }] },
        },
        lifecycle: { postStart: { httpGet: { path: '/start', port: 8080 } } },
      },
      { name: 'istio-proxy', image: 'auto', resources: { limits: { cpu: '1' } } },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
    imagePullSecrets: [{ name: 'pull' }],
    restartPolicy: 'Always',
    os: { name: 'linux' },
  },
};

/** Paths of all texts of the pod; a key is written as its path with `key`. */
function placesOf(value: Json, way: readonly string[] = []): (readonly string[])[] {
  if (typeof value === 'string') return [way];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner = null]) => placesOf(inner, [...way, key]));
}

function placed(value: Json, way: readonly string[], text: string): Json {
  const [key, ...rest] = way;
  if (key === undefined) return text;
  if (Array.isArray(value))
    return value.map((item: Json, at) => (String(at) === key ? placed(item, rest, text) : item));
  return isObject(value) ? { ...value, [key]: placed(value[key] ?? null, rest, text) } : value;
}

const places = placesOf(pod).filter((way) => way.join('.') !== 'apiVersion');
const kinds = places.filter((way) => way.join('.') === 'kind');
const change = fc.oneof(
  fc.constantFrom(...places.filter((way) => way.join('.') !== 'kind')),
  fc.constantFrom(...annotations).map((name) => ['metadata', 'annotations', name]),
  hiddenText.map((name) => ['metadata', 'annotations', name]),
  hiddenText.map((name) => ['metadata', 'annotations', `inject.istio.io/${name}`]),
  hiddenText.map((name) => ['metadata', 'labels', name]),
);
const nastyPod = fc
  .array(fc.tuple(change, hiddenText), { minLength: 1, maxLength: 4 })
  .map((changes) => changes.reduce<Json>((now, [way, text]) => placed(now, way, text), pod) as JsonObject);
const nastyObject = fc.oneof(
  { weight: 4, arbitrary: nastyPod },
  fc.tuple(fc.constantFrom(...kinds), hiddenText).map(([way, text]) => placed(pod, way, text) as JsonObject),
);

/** A line break is allowed where a line ends, and every line is checked on its own. */
function expectSeen(text: string): void {
  expect(text).not.toMatch(hiddenCharacters);
}

describe('what is not seen', () => {
  test.each([
    ['standalone', {}],
    ['istiod', { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } }],
  ])('is in no denial, warning, audit annotation and line of the log, mode %s', (_mode, settings) => {
    const injector = createInjector(snapshotWithShipped(settings));
    const written: string[] = [];
    const log = createLog('info', { write: (line) => written.push(line) });
    fc.assert(
      fc.property(nastyPod, hiddenText, (nasty, name) => {
        const request = { pod: nasty, namespace: name };
        const decision = injector.decide(request);
        for (const { message } of decision.reasons) expectSeen(message);
        const { before, after } = writeAnswer('1', decision);
        const { response } = JSON.parse(`${before}${after}`) as { response: JsonObject };
        const { status, warnings, auditAnnotations } = response;
        const said = [status, warnings, auditAnnotations].flatMap((part) => placesOf(part ?? null, []).map((way) => way.reduce<Json>((at, key) => (at as JsonObject)[key] ?? null, part ?? null) as string)); // prettier-ignore
        for (const text of said) {
          expectSeen(text);
          expect(text).not.toContain('\n');
        }
        const { name: podName } = (nasty['metadata'] ?? {}) as { name?: string };
        const reviewed = { status: 200, decision, request: { uid: name, namespace: name, operation: 'CREATE', dryRun: false }, workload: { kind: name, name }, pod: String(podName) }; // prettier-ignore
        log.info(describeReview(reviewed as unknown as Parameters<typeof describeReview>[0], 1, 1), 'reviewed');
        const line = written.pop() ?? '';
        expectSeen(line);
        expect(line.trimEnd()).not.toContain('\n');
        expect(JSON.parse(line)).toHaveProperty('operation', 'CREATE');
      }),
      { numRuns: 400 },
    );
  });

  test('is in nothing that a command writes for people', async () => {
    const commands = [
      ['inject'],
      ['inject', '--check'],
      ['inject', '--summary'],
      ['inject', '-o', 'diff'],
      ['uninject', '-o', 'diff'],
      ['explain'],
      ['explain', '--namespace-labels', 'a=b'],
      ['explain', '-o', 'json'],
      ['capture', '--explain'],
      ['capture', '--dry-run'],
    ];
    await fc.assert(
      fc.asyncProperty(nastyObject, fc.constantFrom(...commands), async (nasty, command) => {
        const text = JSON.stringify(nasty);
        const { stdout, stderr } = await runCommand([...command, '-f', '-'], text);
        expectSeen(stderr);
        expect(stderr).not.toMatch(/^error: forged/m);
        if (command.length > 1) {
          expectSeen(stdout);
          expect(stdout).not.toMatch(/^error: forged/m);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('names of files and broken input', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hidden-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ['a manifest', JSON.stringify(pod)],
    ['no manifest', 'a: [\u001b]x'],
    [
      'a pod that is denied',
      JSON.stringify(placed(pod, ['metadata', 'annotations', 'sidecar.istio.io/proxyCPU'], '\u202e')),
    ],
    ['settings', 'apiVersion: sidecar-injector.io/v1\nkind: InjectorConfiguration\nspec: {"\\e\\u202e": 1}\n'],
  ])('are shown without it: %s', async (_what, text) => {
    const file = path.join(folder, 'a\u001b\u202e\u0007\nerror: forged.yaml');
    await writeFile(file, text);
    const runs = [
      ['inject', '-f', file],
      ['inject', '-f', file, '--summary'],
      ['inject', '-f', file, '--check'],
      ['inject', '-f', file, '-o', 'unified'],
      ['explain', '-f', file],
      ['capture', '-f', file, '--dry-run'],
      ['capture', '-f', file, '--explain'],
      ['capture', '--config', file, '--dry-run'],
      ['check', '--settings', file],
      ['check', '--sidecars', file],
      ['template', 'lint', file],
      ['template', 'test', file],
      ['template', 'new', 'x', '--out', path.join(file, 'x')],
      ['inject', '-f', `${file}x`],
      ['inject', '-f', file, '--settings', file],
      ['inject', '-f', file, '--istio-values', file],
      ['inject', '-f', file, '--istio-set', '\u001b\u202e'],
      ['inject', '-f', file, '--pod-template', '\u001b\u202e'],
      ['\u001b\u202e'],
      ['inject', '--\u001b\u202e'],
    ];
    for (const args of runs) {
      const { stdout, stderr } = await runCommand(args);
      expectSeen(stderr);
      if (args.length > 3) expectSeen(stdout);
      expect(`${stdout}\n${stderr}`).not.toMatch(/^error: forged/m);
    }
  });
});
