import { expect, test } from '@jest/globals';
import { createInjector } from '../../../src/injection/injector.ts';
import { webhookConfiguration } from '../../../src/injection/policy/registration.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { ApiAnswer, ApiClient } from '../../../src/kubernetes/client.ts';
import { watchPods } from '../../../src/runtime/pod-watch.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { until } from '../../support/waiting.ts';

// With a real API server: test/apiserver/auditor.test.ts. Here the moments at which answers come are the test's.

const enabled = { 'istio-injection': 'enabled' };
const registrationPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector';

function namespace(name: string, labels: JsonObject, version: number): JsonObject {
  return { metadata: { name, labels, uid: name, resourceVersion: String(version) } };
}

function pod(of: string, name: string, version = 1): JsonObject {
  const metadata = { name, namespace: of, uid: `${of}-${name}`, resourceVersion: String(version) };
  return { metadata, spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] } };
}

/** An API server whose lists are answered when the test lets it. */
function scene(pods: readonly JsonObject[]) {
  const lists: string[] = [];
  const streams = new Map<string, (line: string) => void>();
  /** Answers of single namespaces, the first for the first call. */
  const answers: (() => Promise<readonly JsonObject[]>)[] = [];
  const ticks: (() => void)[] = [];
  let injector = createInjector(snapshotOf());
  let now = 0;
  let version = 10;
  let failures = 0;
  let answerAll: () => Promise<readonly JsonObject[]> = () => Promise.resolve(pods);

  const client: ApiClient = {
    async get(path): Promise<ApiAnswer> {
      if (path === registrationPath) return { body: webhookConfiguration() as JsonObject };
      const [collection = ''] = path.split('?', 1);
      if (collection === '/api/v1/namespaces') {
        return {
          body: { metadata: { resourceVersion: '1' }, items: [namespace('shop', {}, 1), namespace('bank', {}, 1)] },
        };
      }
      lists.push(collection);
      const items = await (
        collection === '/api/v1/pods' ? answerAll : (answers.shift() ?? (() => Promise.resolve([])))
      )();
      return { body: { metadata: { resourceVersion: '1' }, items } };
    },
    async stream(path, onLine, { signal }) {
      const [collection = ''] = path.split('?', 1);
      streams.set(collection, onLine);
      if (!signal.aborted) await new Promise<void>((end) => signal.addEventListener('abort', () => end()));
    },
    post: () => Promise.reject(new Error('nothing is created')),
    put: () => Promise.reject(new Error('nothing is replaced')),
    patch: () => Promise.reject(new Error('nothing is changed')),
    close: () => undefined,
  };
  const watch = watchPods({
    client,
    injector: () => injector,
    log: createLog('error', { write: () => undefined }),
    nowMs: () => now,
    every(milliseconds, action) {
      if (milliseconds < 10_000) ticks.push(action);
      return () => undefined;
    },
    onFailure: () => (failures += 1),
    onPod: () => undefined,
  });
  const tell = (collection: string, type: string, object: JsonObject): void =>
    streams.get(collection)?.(JSON.stringify({ type, object }));
  return {
    watch,
    lists,
    answers,
    failures: () => failures,
    answerAll: (answer: typeof answerAll) => (answerAll = answer),
    changeSettings: () =>
      (injector = createInjector(snapshotOf({ proxy: { resources: { requests: { cpu: '77m' } } } }))),
    /** Time passes, and it is looked whether something is to be judged anew. */
    tick() {
      now += 1_000_000;
      for (const action of ticks) action();
    },
    tellPod: (type: string, object: JsonObject) => tell('/api/v1/pods', type, object),
    label: (name: string, labels: JsonObject) =>
      tell('/api/v1/namespaces', 'MODIFIED', namespace(name, labels, (version += 1))),
    /** Names of missed pods. */
    missed: () =>
      watch
        .roster()
        .groups()
        .flatMap(({ finding, pods: found }) => (finding === 'missed' ? found.map(({ name }) => name) : []))
        .toSorted(),
  };
}

async function started(pods: readonly JsonObject[]) {
  const made = scene(pods);
  await until('all pods to be listed and watched', () => made.watch.isSettled() || undefined);
  await until('a tick', () => made.lists.length > 0 || undefined);
  return made;
}

const settled = ({ watch }: ReturnType<typeof scene>) => until('it settles', () => watch.isSettled() || undefined);

test('a namespace that is labelled has its own pods judged anew, and no others', async () => {
  const made = await started([pod('shop', 'a'), pod('bank', 'b')]);
  made.answers.push(() => Promise.resolve([pod('shop', 'a')]));
  made.label('shop', enabled);
  expect(made.watch.isSettled()).toBe(false);
  made.tick();
  await settled(made);
  expect(made.lists).toEqual(['/api/v1/pods', '/api/v1/namespaces/shop/pods']);
  expect(made.missed()).toEqual(['a']);
  made.watch.stop();
});

test('what the watch tells while a namespace is listed is newer than the list', async () => {
  const made = await started([pod('shop', 'a'), pod('shop', 'gone'), pod('bank', 'b')]);
  const { promise, resolve } = Promise.withResolvers<readonly JsonObject[]>();
  made.answers.push(() => promise);
  made.label('shop', enabled);
  made.tick();
  made.tellPod('DELETED', pod('shop', 'gone', 8));
  made.tellPod('ADDED', pod('shop', 'new', 9));
  resolve([pod('shop', 'a'), pod('shop', 'gone')]);
  await settled(made);
  expect(made.missed()).toEqual(['a', 'new']);
  made.watch.stop();
});

test('a namespace that changes while its pods are listed has them listed again', async () => {
  const made = await started([pod('shop', 'a')]);
  const { promise, resolve } = Promise.withResolvers<readonly JsonObject[]>();
  made.answers.push(
    () => promise,
    () => Promise.resolve([pod('shop', 'a')]),
  );
  made.label('shop', { ...enabled, team: 'one' });
  made.tick();
  made.label('shop', {});
  resolve([pod('shop', 'a')]);
  await until('the first list to be taken', () => made.lists.length === 2 || undefined);
  expect(made.watch.isSettled()).toBe(false);
  await until('a second one', () => {
    made.tick();
    return made.lists.length === 3 || undefined;
  });
  await settled(made);
  expect(made.missed()).toEqual([]);
  made.watch.stop();
});

test('a list of a namespace that fails is told, and tried again', async () => {
  const made = await started([pod('shop', 'a')]);
  made.answers.push(
    () => Promise.reject(new ApiError('unreachable', 'away')),
    () => Promise.resolve([pod('shop', 'a')]),
  );
  made.label('shop', enabled);
  made.tick();
  await until('the failure', () => made.failures() > 0 || undefined);
  expect(made.watch.isSettled()).toBe(false);
  await until('another list', () => {
    made.tick();
    return made.lists.length === 3 || undefined;
  });
  await settled(made);
  expect(made.missed()).toEqual(['a']);
  made.watch.stop();
});

test('while all pods are judged anew by other settings, what was found before is shown', async () => {
  const made = await started([pod('shop', 'a')]);
  made.answers.push(() => Promise.resolve([pod('shop', 'a')]));
  made.label('shop', enabled);
  made.tick();
  await settled(made);
  const { promise, resolve } = Promise.withResolvers<readonly JsonObject[]>();
  made.answerAll(() => promise);
  made.changeSettings();
  made.tick();
  expect(made.lists.slice(-1)).toEqual(['/api/v1/pods']);
  expect(made.watch.isSettled()).toBe(false);
  expect(made.missed()).toEqual(['a']);
  resolve([pod('shop', 'a'), pod('shop', 'b')]);
  await settled(made);
  expect(made.missed()).toEqual(['a', 'b']);
  made.watch.stop();
});
