import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decide, type JsonObject } from '../../../src/index.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { covers } from '../../../src/injection/covers.ts';
import { restartAll, type LeftAlone, type Target } from '../../../src/cli/commands/rollout/restart.ts';
import { restartableKinds } from '../../../src/cli/commands/rollout/workload-progress.ts';
import { createAuthority } from '../../../src/certs/authority.ts';
import { ApiError, type ApiErrorCode } from '../../../src/kubernetes/api-error.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { listOf, startFakeCluster, type FakeCluster } from '../../support/builders/fake-cluster.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { installSoundly, namespace, paths, runningPod } from '../../support/builders/sound-installation.ts';

let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await startFakeCluster();
});
beforeEach(() => installSoundly(cluster));
afterAll(() => cluster.close());

const run = (...args: string[]) => runCommand(['rollout', ...args, '--kubeconfig', cluster.kubeconfig]);

const next = { name: 'next', proxy: { image: 'envoy:next' } };
const before = { variants: [{ ...next, percent: 0 }] };
const now = { variants: [{ ...next, percent: 100 }] };

/** A pod as the cluster stores it after these settings have injected it: with defaults of the API server. */
function stored(workload: string, spec: object, more: JsonObject = {}): JsonObject {
  const pod = runningPod('shop', workload, more);
  const decision = decide({ pod: structuredClone(pod), namespace: 'shop' }, snapshotOf(spec));
  const text = JSON.stringify(applyToValue(pod, decision.operations));
  return JSON.parse(
    text.replaceAll('"image":"envoy', '"terminationMessagePolicy":"File","image":"envoy'),
  ) as JsonObject;
}

function settle(spec: object, ...pods: readonly JsonObject[]): void {
  const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec };
  cluster.objects.set(paths.settings, {
    metadata: { resourceVersion: '7' },
    data: { 'settings.yaml': JSON.stringify(settings) },
  });
  cluster.objects.set(paths.pods, listOf(...pods));
}

const deploymentPath = (name: string) => `/apis/apps/v1/namespaces/shop/deployments/${name}`;

function deployment(name: string, more: object = {}, status: object = {}): void {
  const whole = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1, ...status };
  cluster.objects.set(deploymentPath(name), {
    metadata: { name, generation: 1, resourceVersion: '5' },
    spec: { replicas: 1, template: { metadata: { labels: {}, annotations: { mine: 'stays' } } }, ...more },
    status: whole,
  });
}

describe('rollout status', () => {
  test('counts owners and pods by variant, by what injected them, and what is outdated', async () => {
    settle(now, stored('web', before), stored('web', before), stored('api', now));
    const { stdout, code } = await run('status');
    expect(stdout).toMatch(/^stable +the rest +1 \(50 %\) +2 +0 \(0 %\)$/m);
    expect(stdout).toMatch(/^next +100 % +1 \(50 %\) +1 +2 \(100 %\)$/m);
    expect(stdout).toMatch(/0\.1\.0 +[0-9a-f]{16} +2$/m);
    expect(stdout).toMatch(/[0-9a-f]{16} \(current\) +1$/m);
    expect(stdout).toContain('1 of 2 owners have pods that would be injected otherwise now:\n  shop Deployment/web\n');
    expect(code).toBe(3);
  });

  test('pods of other settings that would come out the same are not outdated', async () => {
    settle({ ...before, injection: { showSettings: false, excludedNamespaces: ['x'] } }, stored('web', before));
    const { stdout, code } = await run('status', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ pods: 1, owners: 1, outdated: [] });
    expect(code).toBe(0);
  });

  test('pods that would be denied now are no pods as new ones would be', async () => {
    settle({ mode: 'mesh' }, stored('web', before));
    const { stdout, code } = await run('status');
    expect(stdout).toMatch(
      /^1 of 1 owners have pods that nothing renews:\n {2}shop Deployment\/web: a new pod would be denied/m,
    );
    expect(stdout).not.toContain('Every pod is as a new one would be.');
    expect(code).toBe(3);
  });

  test('settings from a file are looked at with the sidecars and the roots of the mesh that the cluster has', async () => {
    settle(before, stored('web', before));
    const { certificate } = await createAuthority({ now: new Date(), lifetimeMs: 86_400_000 });
    const { data } = cluster.objects.get(paths.settings) as { data: Record<string, string> };
    cluster.objects.set(paths.settings, { data: { ...data, 'root.pem': certificate } });
    const deployments = structuredClone(cluster.objects.get(paths.deployments)) as any;
    const [{ args }] = deployments.items[0].spec.template.spec.containers;
    args.push('--mesh-roots', '/etc/sidecar-injector/settings/root.pem');
    cluster.objects.set(paths.deployments, deployments);
    const folder = await mkdtemp(path.join(tmpdir(), 'rollout-'));
    const settings = path.join(folder, 'settings.yaml');
    const kind = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration' };
    await writeFile(settings, JSON.stringify({ ...kind, spec: { mode: 'mesh' } }));
    const { stdout, code } = await run('status', '--settings', settings);
    await rm(folder, { recursive: true });
    expect(stdout).toContain('1 of 1 owners have pods that would be injected otherwise now:\n  shop Deployment/web\n');
    expect([stdout.includes('nothing renews'), code]).toEqual([false, 3]);
  });
});

describe('rollout restart', () => {
  /** Lets the controller of a Deployment do what it is told, at once. */
  function obey(name: string, status: object = {}): object[] {
    const patches: object[] = [];
    cluster.posts.set(`PATCH ${deploymentPath(name)}`, (operations) => {
      patches.push(...(operations as unknown as object[]));
      deployment(name, {}, status);
      return { status: 200, body: {} };
    });
    return patches;
  }

  test('restarts what is outdated, as kubectl does, and nothing else', async () => {
    settle(now, stored('web', before), stored('api', now));
    deployment('web');
    const patches = obey('web');
    const { stdout, code } = await run('restart', '--outdated');
    expect(stdout).toBe('shop Deployment/web: available again after 0 s (1 of 1)\n');
    expect(patches).toEqual([
      { op: 'test', path: '/metadata/resourceVersion', value: '5' },
      {
        op: 'add',
        path: '/spec/template/metadata/annotations',
        value: { mine: 'stays', 'kubectl.kubernetes.io/restartedAt': expect.stringMatching(/^20.*Z$/) },
      },
    ]);
    expect(code).toBe(0);
  });

  test('--dry-run changes nothing', async () => {
    settle(now, stored('web', before));
    deployment('web');
    cluster.requests.length = 0;
    const { stdout, code } = await run('restart', '--outdated', '--dry-run');
    expect(stdout).toBe('shop Deployment/web: 1 of 1 pods are outdated\n');
    expect(cluster.requests.filter((one) => !one.startsWith('GET '))).toEqual([]);
    expect(code).toBe(3);
  });

  test('stops at the first that fails', async () => {
    settle(now, stored('api', before), stored('web', before));
    deployment('api');
    deployment('web');
    const gone = { type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'has timed out progressing.' };
    obey('api', { conditions: [gone] });
    const patches = obey('web');
    const { stderr, code } = await run('restart', '--outdated', '--interval', '0s');
    expect(stderr).toMatch(/shop Deployment\/api has failed: has timed out progressing\.; 1 more were not restarted/);
    expect([patches, code]).toEqual([[], 1]);
  });

  test.each<[string, object, object, RegExp]>([
    [
      'that is not available',
      {},
      { availableReplicas: 0 },
      /it is not available as a whole now \(1 of 1 pods are new, 0 are available\)/,
    ],
    ['that is paused', { paused: true }, {}, /it is paused: restart its pods by hand/],
  ])('leaves a Deployment alone %s', async (_what, more, status, why) => {
    settle(now, stored('web', before));
    deployment('web', more, status);
    const { stdout, stderr, code } = await run('restart', '--outdated');
    expect(stderr).toMatch(why);
    expect([stdout, code]).toEqual(['no workload is to be restarted\n', 3]);
  });

  test('leaves alone what would be denied now, and what has no controller that replaces pods', async () => {
    const refused = { ...now, proxy: { statusPort: 8080 } };
    const ports = [{ containerPort: 8080 }];
    const clash = { containers: [{ name: 'app', image: 'app:1', ports }] };
    const bare = stored('web', before);
    const metadata = { ...(bare['metadata'] as JsonObject), ownerReferences: [], name: 'alone', generateName: '' };
    settle(refused, stored('api', before, clash), { ...bare, metadata });
    deployment('api');
    const { stdout, stderr } = await run('restart', '--outdated');
    expect(stdout).toBe('no workload is to be restarted\n');
    expect(stderr).toMatch(/left alone: shop Deployment\/api: a new pod would be denied: .*8080.*\(PortConflict\)/);
    expect(stderr).toMatch(/left alone: shop Pod\/alone: no controller replaces its pods one by one/);
  });

  test.each<[string, () => void, RegExp]>([
    [
      'whose namespace is paused',
      () =>
        cluster.objects.set(
          paths.namespaces,
          listOf(namespace('shop', { 'istio-injection': 'enabled', 'sidecar-injector.io/paused': 'true' })),
        ),
      /a new pod would not be injected: .*sidecar-injector\.io\/paused is not "true"/,
    ],
    [
      'whose namespace is not labelled any more',
      () => cluster.objects.set(paths.namespaces, listOf(namespace('shop'))),
      /a new pod would not be injected: .*label istio-injection is "enabled"/,
    ],
    [
      'for which no entry is registered',
      () => cluster.objects.set(paths.registration, { webhooks: [] }),
      /a new pod would not be injected: no webhook is registered/,
    ],
  ])('leaves a Deployment alone %s: its pods would lose their sidecars', async (_what, change, why) => {
    settle(now, stored('web', before));
    deployment('web');
    change();
    // The registration also leads to the settings of the injector.
    const folder = await mkdtemp(path.join(tmpdir(), 'rollout-'));
    const settings = path.join(folder, 'settings.yaml');
    const kind = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration' };
    await writeFile(settings, JSON.stringify({ ...kind, spec: now }));
    const { stdout, stderr, code } = await run('restart', '--outdated', '--settings', settings);
    await rm(folder, { recursive: true });
    expect(stderr).toMatch(/^left alone: shop Deployment\/web: /);
    expect(stderr).toMatch(why);
    expect([stdout, code]).toEqual(['no workload is to be restarted\n', 3]);
  });

  test('leaves alone what nobody can tell from its record', async () => {
    const pod = stored('web', before);
    const annotations = (pod['metadata'] as any).annotations;
    const status = JSON.parse(annotations[statusAnnotation]);
    const container = { name: 'app', image: 'not-from-here:1' };
    status.undo.overrides = [{ list: 'containers', index: 0, container }];
    annotations[statusAnnotation] = JSON.stringify({ ...status, containers: ['app'] });
    settle(now, pod);
    deployment('web');
    const { stdout, stderr } = await run('restart', '--outdated');
    expect(stderr).toMatch(/left alone: shop Deployment\/web: what was injected cannot be told: /);
    expect(stdout).toBe('no workload is to be restarted\n');
  });

  test('an outcome that cannot be written is said, and the exit code says so', async () => {
    settle(now, stored('api', before), stored('web', before));
    for (const name of ['api', 'web']) {
      deployment(name);
      obey(name);
    }
    const full = openSync('/dev/full', 'w');
    const program = path.join(import.meta.dirname, '../../../bin/sidecar-injector.mjs');
    const words = ['rollout', 'restart', '--outdated', '--interval', '0s', '--kubeconfig', cluster.kubeconfig];
    const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    const errors = buffer(child.stderr as Readable);
    const [code] = (await once(child, 'exit')) as [number];
    expect((await errors).toString()).toBe('error: standard output cannot be written: ENOSPC\n');
    expect(code).toBe(1);
  });

  test.each(['status', 'restart --outdated'])(
    '%s: a namespace that is not there is no namespace without pods',
    async (words) => {
      settle(now);
      const { stdout, stderr, code } = await run(...words.split(' '), '-n', 'shpo');
      expect(stderr).toContain('error: there is no namespace "shpo", did you mean "shop"?');
      expect([stdout, code]).toEqual(['', 1]);
    },
  );

  test('without --outdated it says what to write', async () => {
    const { stderr, code } = await run('restart');
    expect(stderr).toContain('it is not said which workloads to restart');
    expect(code).toBe(2);
  });
});

describe('the pace of restarts', () => {
  const silent = { restarted: () => undefined, left: () => undefined };
  const target = (name: string): Target => ({ name, path: `/${name}`, kind: 'DaemonSet', outdated: 1, pods: 1 });

  /** A cluster whose workloads are available some reads after their restart, and a clock that only sleep moves. */
  function scene(reads: number) {
    const events: string[] = [];
    const left = new Map<string, number>();
    let ms = 0;
    const client = {
      get: async (path: string) => {
        const count = left.get(path);
        if (count !== undefined) left.set(path, count - 1);
        const available = count === undefined || count <= 0 ? 1 : 0;
        if (count !== undefined && available === 1) events.push(`${path} available at ${ms}`);
        const status = { desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: available };
        return { body: { metadata: {}, spec: { template: {} }, status } };
      },
      patch: async (path: string) => {
        events.push(`${path} restarted at ${ms}`);
        left.set(path, reads);
        return { body: {} };
      },
    } as unknown as ApiClient;
    const clock = { now: () => new Date(ms), sleep: async (wait: number) => void (ms += wait) };
    return { client, clock, events };
  }

  test('the next one waits until the one before is available, and for the interval', async () => {
    const { client, clock, events } = scene(3);
    const pace = { intervalMs: 30_000, timeoutMs: 60_000 };
    expect(await restartAll(client, [target('a'), target('b')], pace, clock, silent)).toBeUndefined();
    expect(events).toEqual([
      '/a restarted at 0',
      '/a available at 3000',
      '/b restarted at 33000',
      '/b available at 36000',
    ]);
  });

  test('one that is not available in time ends it', async () => {
    const { client, clock, events } = scene(100);
    const pace = { intervalMs: 0, timeoutMs: 5_000 };
    const failure = await restartAll(client, [target('a'), target('b')], pace, clock, silent);
    expect(failure).toMatchObject({ target: { name: 'a' }, progress: { state: 'going' }, remaining: 1 });
    expect(events).toEqual(['/a restarted at 0']);
  });

  /** The same, but for the first workload something is different once the second one is restarted, or while it is awaited. */
  async function restartWith(answer: (path: string, calls: number) => object | ApiError | undefined) {
    const { client, clock, events } = scene(2);
    const calls = new Map<string, number>();
    const get = async (path: string) => {
      calls.set(path, (calls.get(path) ?? 0) + 1);
      const other = answer(path, calls.get(path) ?? 0);
      if (other instanceof ApiError) throw other;
      return other === undefined ? client.get(path) : { body: other as JsonObject };
    };
    const told: string[] = [];
    const observer = {
      restarted: (text: string) => void told.push(text),
      left: ({ name, why }: LeftAlone) => void told.push(`${name} left: ${why}`),
    };
    const pace = { intervalMs: 0, timeoutMs: 60_000 };
    const all = [target('a'), target('b')];
    const failure = await restartAll({ ...client, get }, all, pace, clock, observer);
    return { failure, told, restarted: events.filter((one) => one.includes('restarted')) };
  }

  test.each<[string, object | ApiError, RegExp]>([
    ['is gone', new ApiError('not-found', 'gone'), /^a left: it does not exist$/],
    [
      'is not available any more',
      { status: { desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 0 } },
      /^a left: it is not available as a whole now/,
    ],
    [
      'is not restarted by its controller any more',
      { spec: { updateStrategy: { type: 'OnDelete' } } },
      /^a left: its update strategy is OnDelete/,
    ],
  ])('one that %s since the plan is left alone, and the next one follows', async (_what, object, why) => {
    const { failure, told, restarted } = await restartWith((path) => (path === '/a' ? object : undefined));
    expect(failure).toBeUndefined();
    expect(told).toEqual([expect.stringMatching(why), expect.stringMatching(/^b: available again/)]);
    expect(restarted).toEqual(['/b restarted at 0']);
  });

  test('one that is deleted while it is awaited does not keep the next one', async () => {
    const gone = new ApiError('not-found', 'gone');
    const { told } = await restartWith((path, calls) => (path === '/a' && calls > 1 ? gone : undefined));
    expect(told).toEqual(['a left: it does not exist any more', expect.stringMatching(/^b: available again/)]);
  });

  test.each<ApiErrorCode>(['unreachable', 'timeout', 'server-error'])(
    'an API server that is away for a while (%s) ends nothing',
    async (code) => {
      const away = new ApiError(code, 'away');
      const { failure, told } = await restartWith((path, calls) => (path === '/a' && calls === 2 ? away : undefined));
      expect(failure).toBeUndefined();
      expect(told).toEqual([
        expect.stringMatching(/^a: available again/),
        expect.stringMatching(/^b: available again/),
      ]);
    },
  );

  test('a right that is taken away ends it', async () => {
    const refused = new ApiError('forbidden', 'no right');
    await expect(restartWith((path, calls) => (path === '/a' && calls === 2 ? refused : undefined))).rejects.toBe(
      refused,
    );
  });
});

describe('rollout set', () => {
  const text = `apiVersion: sidecar-injector.io/v1alpha1 # mine
kind: InjectorConfiguration
spec:
  variants:
    - name: next # the new one
      percent: 10
      proxy: { image: 'envoy:next' }
`;

  function keep(metadata: object = {}): JsonObject[] {
    const written: JsonObject[] = [];
    cluster.objects.set(paths.settings, {
      metadata: { resourceVersion: '7', ...metadata },
      data: { 'settings.yaml': text },
    });
    cluster.posts.set(`PUT ${paths.settings}`, (object) => {
      written.push(object);
      return { status: 200, body: {} };
    });
    return written;
  }

  test('changes the number in the ConfigMap and nothing else of it', async () => {
    const written = keep();
    const { stdout, stderr, code } = await run('set', 'next', '0');
    expect(written).toEqual([
      { metadata: { resourceVersion: '7' }, data: { 'settings.yaml': text.replace('percent: 10', 'percent: 0') } },
    ]);
    expect(stdout).toContain(
      'changed variant next: 10 % -> 0 %, in ConfigMap sidecar-injector-system/sidecar-injector-settings, key settings.yaml\n',
    );
    expect([stderr, code]).toEqual(['', 0]);
  });

  test('leaves other settings in the same ConfigMap alone, such as those of last week', async () => {
    const written = keep();
    const old = text.replace('percent: 10', 'percent: 1');
    cluster.objects.set(paths.settings, {
      metadata: { resourceVersion: '7' },
      data: { 'settings-old.yaml': old, 'settings.yaml': text },
    });
    const { stdout } = await run('set', 'next', '50');
    const changed = text.replace('percent: 10', 'percent: 50');
    expect(written).toMatchObject([{ data: { 'settings-old.yaml': old, 'settings.yaml': changed } }]);
    expect(stdout).toContain('key settings.yaml\n');
  });

  test('does not overwrite what somebody else has changed meanwhile', async () => {
    keep();
    const message = 'the object has been modified';
    cluster.posts.set(`PUT ${paths.settings}`, () => ({ status: 409, body: { kind: 'Status', message } }));
    const { stdout, stderr, code } = await run('set', 'next', '50');
    expect(stderr).toMatch(/answered 409: the object has been modified\nhint: somebody else has changed it meanwhile/);
    expect([stdout, code]).toEqual(['', 1]);
  });

  test('warns where GitOps would undo it', async () => {
    keep({ annotations: { 'argocd.argoproj.io/tracking-id': 'x' } });
    expect((await run('set', 'next', '25.5')).stderr).toMatch(/is kept by GitOps, which will undo this/);
  });

  test.each([
    ['next', '101', 2, /"101" is not a percentage/],
    ['next', 'all', 2, /"all" is not a percentage/],
    ['nxt', '5', 1, /there is no variant "nxt", did you mean "next"\?/],
  ])('%s %s is refused', async (variant, percent, expected, message) => {
    const written = keep();
    const { stderr, code } = await run('set', variant, percent);
    expect(stderr).toMatch(message);
    expect([written, code]).toEqual([[], expected]);
  });

  test('--dry-run writes nothing', async () => {
    const written = keep();
    expect((await run('set', 'next', '5', '--dry-run')).stdout).toMatch(/^would change variant next: 10 % -> 5 %/);
    expect(written).toEqual([]);
  });
});

test.each<[string, JsonObject, string]>([
  ['StatefulSet', { currentRevision: 'a', updateRevision: 'a', updatedReplicas: 1, availableReplicas: 1 }, 'done'],
  ['StatefulSet', { currentRevision: 'a', updateRevision: 'b', updatedReplicas: 1, availableReplicas: 1 }, 'going'],
  ['DaemonSet', { desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 }, 'going'],
  ['Deployment', { replicas: 2, updatedReplicas: 1, availableReplicas: 2 }, 'going'],
  ['Rollout', { phase: 'Healthy' }, 'done'],
  ['Rollout', { phase: 'Degraded' }, 'failed'],
  ['Rollout', { phase: 'Progressing' }, 'going'],
])('%s with %j is %s', (kind, status, state) => {
  const object = { metadata: {}, spec: { replicas: 1 }, status };
  expect(restartableKinds[kind]?.progress(object).state).toBe(state);
});

test.each<[string, unknown, unknown, boolean]>([
  ['defaults', { a: 1, b: 'x' }, { a: 1 }, true],
  ['another value', { a: 2 }, { a: 1 }, false],
  ['what is empty', {}, { a: false, b: [], c: '' }, true],
  ['quantities', { cpu: '500m' }, { cpu: '0.5' }, true],
  ['another quantity', { cpu: '500m' }, { cpu: '1' }, false],
  ['more variables', [{ name: 'a', value: '1' }, { name: 'b' }], [{ name: 'b' }], true],
  ['other arguments', ['a', 'b'], ['a'], false],
])('stored and wanted: %s', (_what, stored_, wanted, expected) => {
  expect(covers(stored_ as never, wanted as never)).toBe(expected);
});
