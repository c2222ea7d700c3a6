import { expect, test } from '@jest/globals';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { ApiClient, StreamOptions } from '../../../src/kubernetes/client.ts';
import { watchNamespaces, type NamespaceWatch } from '../../../src/runtime/namespace-facts.ts';
import { createLog } from '../../../src/telemetry/log.ts';

const enforced = { 'pod-security.kubernetes.io/enforce': 'baseline' };

function namespace(name: string, version: string, labels: object, annotations: object = {}): object {
  return { metadata: { name, uid: name, resourceVersion: version, labels, annotations } };
}

/** An API server whose watch says what the test tells it, and what the webhook was given. */
function startWatching(list: () => object): {
  readonly watch: NamespaceWatch;
  readonly given: Snapshot['namespaces'][];
  readonly logged: string[];
  readonly say: (type: string, object: object) => void;
} {
  const given: Snapshot['namespaces'][] = [];
  const logged: string[] = [];
  const lines: ((line: string) => void)[] = [];
  const client = {
    get: async () => ({ body: list() }),
    stream: async (_path: string, onLine: (line: string) => void, { signal }: StreamOptions) => {
      lines.push(onLine);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  } as unknown as Pick<ApiClient, 'get' | 'stream'>;
  const watch = watchNamespaces({
    client,
    configuration: { useNamespaces: (namespaces) => given.push(namespaces) },
    log: createLog('warn', { write: (text) => void logged.push(text) }),
    pace: {
      random: () => 0,
      sleep: (_ms, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    },
  });
  return { watch, given, logged, say: (type, object) => lines.at(-1)?.(JSON.stringify({ type, object })) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what decisions depend on is kept of every namespace, and follows its changes', async () => {
  const uid = { 'openshift.io/sa.scc.uid-range': '1000/10' };
  const items = [namespace('a', '1', { ...enforced, other: 'x' }, { ...uid, other: 'y' }), namespace('b', '1', {})];
  const { watch, given, say } = startWatching(() => ({ items }));
  expect(watch.health()).toMatchObject({ ready: false, reason: 'are being listed' });
  await settled();
  expect(given.map((one) => [...one])).toEqual([[['a', { labels: enforced, annotations: uid }]]]);
  expect(watch.health()).toMatchObject({ ready: true, reason: 'are watched' });
  say('ADDED', namespace('c', '2', enforced));
  say('MODIFIED', namespace('a', '3', {}));
  say('DELETED', namespace('c', '4', enforced));
  expect(given.slice(1).map((one) => [...one.keys()])).toEqual([['a', 'c'], ['c'], []]);
  watch.stop();
});

test('a change of anything else is not given on, because it would empty the memory of decisions', async () => {
  const { watch, given, say } = startWatching(() => ({ items: [namespace('a', '1', enforced)] }));
  await settled();
  say('MODIFIED', namespace('a', '2', { ...enforced, other: 'x' }));
  expect(given).toHaveLength(1);
  watch.stop();
});

test('without the right to read namespaces the webhook serves, says so once, and keeps trying', async () => {
  const { watch, given, logged } = startWatching(() => {
    throw new ApiError('forbidden', 'namespaces is forbidden');
  });
  await settled();
  expect(watch.health()).toEqual({ name: 'namespaces', ready: true, reason: 'namespaces is forbidden' });
  expect(given).toEqual([]);
  expect(logged).toHaveLength(1);
  watch.stop();
});
