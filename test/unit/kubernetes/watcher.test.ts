import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { ApiAnswer, ApiClient, StreamOptions } from '../../../src/kubernetes/client.ts';
import {
  startWatcher,
  type ObjectChange,
  type WatcherOptions,
  type WatchState,
} from '../../../src/kubernetes/watcher.ts';

// A real API server cannot be made to send most of this; that the rest works with one: test/apiserver/mesh.test.ts.

const pod = (name: string, version: string, uid = `uid-${name}`): JsonObject => ({
  metadata: { namespace: 'shop', name, uid, resourceVersion: version },
});
const list = (version: string, ...items: readonly JsonObject[]): JsonObject => ({
  metadata: { resourceVersion: version },
  items,
});
const event = (type: string, object: JsonObject): string => JSON.stringify({ type, object });

/** What the API server does for a call: answers a list, sends lines and ends, sends lines and stays silent, or fails. */
type Turn =
  | { readonly list: JsonObject }
  | { readonly lines: readonly string[]; readonly stays?: boolean }
  | { readonly fails: ApiError };

/** Plays the turns in order; the last one that stays keeps the watch open. */
function play(turns: readonly Turn[], more: Partial<WatcherOptions> = {}) {
  const rest = [...turns];
  const calls: string[] = [];
  const changes: ObjectChange[][] = [];
  const states: WatchState[] = [];
  let contacts = 0;
  const { promise: over, resolve } = Promise.withResolvers<void>();

  function next(path: string): Turn {
    calls.push(path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=N'));
    const turn = rest.shift();
    if (turn === undefined) throw new Error(`one call too many: ${path}`);
    if ('fails' in turn) throw turn.fails;
    return turn;
  }

  const client: Pick<ApiClient, 'get' | 'stream'> = {
    get: (path) => {
      const turn = next(path);
      if (!('list' in turn)) throw new Error(`a list is asked for where a watch was expected: ${path}`);
      return Promise.resolve<ApiAnswer>({ body: turn.list });
    },
    async stream(path: string, onLine: (line: string) => void, { signal }: StreamOptions) {
      const turn = next(path);
      if (!('lines' in turn)) throw new Error(`a watch is asked for where a list was expected: ${path}`);
      for (const line of turn.lines) onLine(line);
      if (turn.stays !== true || signal.aborted) return;
      resolve();
      await new Promise<void>((end) => signal.addEventListener('abort', () => end()));
    },
  };
  const watcher = startWatcher({
    client,
    path: '/api/v1/pods',
    onChanges: (some) => changes.push([...some]),
    onState: (state) => states.push(state),
    onContact: () => (contacts += 1),
    pace: { random: () => 0.5, sleep: () => Promise.resolve() },
    ...more,
  });
  return { watcher, over, calls, changes, states, contacts: () => contacts };
}

const stays: Turn = { lines: [], stays: true };
const keysOf = (changes: readonly ObjectChange[][]) =>
  changes.map((some) => some.map(({ key, object }) => (object === undefined ? `-${key}` : key)));

async function played(...turns: readonly Turn[]) {
  const game = play(turns);
  await game.over;
  game.watcher.stop();
  return game;
}

test('a list that is too large for one answer is read from the store, in pages that get smaller', async () => {
  const tooLarge = { fails: new ApiError('bad-answer', 'the answer is larger than 8388608 bytes') };
  const first = { list: { metadata: { continue: 'more' }, items: [pod('a', '1')] } };
  const { calls, changes } = await played(tooLarge, tooLarge, first, { list: list('7', pod('b', '2')) }, stays);
  expect(calls.slice(0, 4)).toEqual([
    '/api/v1/pods?limit=500&resourceVersion=0',
    '/api/v1/pods?limit=100',
    '/api/v1/pods?limit=13',
    '/api/v1/pods?limit=13&continue=more',
  ]);
  expect(keysOf(changes)).toEqual([['shop/a', 'shop/b']]);
});

test('a list is followed by a watch from its version', async () => {
  const { calls, changes, states } = await played(
    { list: list('7', pod('a', '1'), pod('b', '2')) },
    {
      lines: [event('ADDED', pod('c', '8')), event('MODIFIED', pod('a', '9')), event('DELETED', pod('b', '10'))],
      stays: true,
    },
  );
  expect(calls).toEqual([
    '/api/v1/pods?limit=500&resourceVersion=0',
    '/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=N',
  ]);
  expect(keysOf(changes)).toEqual([['shop/a', 'shop/b'], ['shop/c'], ['shop/a'], ['-shop/b']]);
  expect(states).toEqual([{ type: 'synced', objects: 2 }]);
});

test('pages of a list come together', async () => {
  const first = { metadata: { resourceVersion: '7', continue: 'a b' }, items: [pod('a', '1')] };
  const { calls, changes } = await played({ list: first }, { list: list('7', pod('b', '1')) }, stays);
  expect(calls[1]).toBe('/api/v1/pods?limit=500&continue=a%20b');
  expect(keysOf(changes)).toEqual([['shop/a', 'shop/b']]);
});

test('pages of a given size are told one by one, and what is gone when all have come', async () => {
  const page = (next: string, ...items: readonly JsonObject[]): Turn => ({
    list: { metadata: { resourceVersion: '9', continue: next }, items },
  });
  const heard: (readonly string[])[] = [];
  const game = play(
    [
      page('b', pod('a', '1'), pod('b', '1')),
      page('', pod('c', '1'), pod('d', '1')),
      { lines: [event('ERROR', { code: 410 })] },
      page('b', pod('a', '1'), pod('b', '2', 'other')),
      page('', pod('d', '1')),
      stays,
    ],
    {
      pageSize: 2,
      onChanges: (some) => heard.push([String(game.calls.length), ...(keysOf([[...some]])[0] ?? [])]),
    },
  );
  await game.over;
  game.watcher.stop();
  expect(game.calls[1]).toBe('/api/v1/pods?limit=2&continue=b');
  expect(heard).toEqual([
    ['1', 'shop/a', 'shop/b'],
    ['2', 'shop/c', 'shop/d'],
    ['4', '-shop/b', 'shop/b'],
    ['5', '-shop/c'],
  ]);
});

test('a list that breaks off is forgotten by none of its pages', async () => {
  const heard: (readonly string[])[] = [];
  const { over, watcher } = play(
    [
      { list: { metadata: { continue: 'b' }, items: [pod('a', '1')] } },
      { fails: new ApiError('unreachable', 'away') },
      { list: list('9', pod('b', '1')) },
      stays,
    ],
    { pageSize: 1, onChanges: (some) => heard.push(...keysOf([[...some]])) },
  );
  await over;
  watcher.stop();
  expect(heard).toEqual([['shop/a'], ['shop/b'], ['-shop/a']]);
});

test('a watch that ends is continued from the last version, that of a bookmark included', async () => {
  const { calls, changes } = await played(
    { list: list('7') },
    { lines: [event('ADDED', pod('a', '8')), event('BOOKMARK', { metadata: { resourceVersion: '30' } })] },
    stays,
  );
  expect(calls[2]).toContain('resourceVersion=30&');
  expect(keysOf(changes)).toEqual([['shop/a']]);
});

describe('a version that is too old', () => {
  const expired = event('ERROR', { kind: 'Status', code: 410, message: 'too old resource version' });

  test('leads to a list at once, and only to what has changed since', async () => {
    const { changes, states, calls } = await played(
      { list: list('7', pod('a', '1'), pod('b', '2'), pod('c', '3')) },
      { lines: [expired] },
      // `b` has gone, `c` is another object of the same name, `a` is as it was, and `d` is new.
      { list: list('40', pod('a', '1'), pod('c', '39', 'another'), pod('d', '38')) },
      stays,
    );
    expect(keysOf(changes)).toEqual([
      ['shop/a', 'shop/b', 'shop/c'],
      ['-shop/b', '-shop/c', 'shop/c', 'shop/d'],
    ]);
    expect(states.map(({ type }) => type)).toEqual(['synced', 'synced']);
    expect(calls[3]).toContain('resourceVersion=40&');
  });

  test('also as the answer of the watch or of a page', async () => {
    const gone = new ApiError('refused', 'gone', { statusCode: 410 });
    const { states } = await played({ list: list('7') }, { fails: gone }, { fails: gone }, { list: list('8') }, stays);
    expect(states.map(({ type }) => type)).toEqual(['synced', 'synced']);
  });
});

test('an object that was replaced without a deletion is deleted first', async () => {
  const { changes } = await played(
    { list: list('7', pod('a', '1')) },
    { lines: [event('MODIFIED', pod('a', '9', 'another'))], stays: true },
  );
  expect(keysOf(changes)).toEqual([['shop/a'], ['-shop/a', 'shop/a']]);
});

describe('is reported, and tried again with a new list', () => {
  test.each<[string, Turn, string]>([
    ['a line that is not JSON', { lines: ['{"type":'] }, 'a line of the watch is not an event'],
    ['a line without an object', { lines: ['{"type":"ADDED"}'] }, 'a line of the watch is not an event'],
    ['an event of an unknown type', { lines: [event('REVISED', pod('a', '1'))] }, 'an event of the type REVISED'],
    ['an error within the watch', { lines: [event('ERROR', { code: 500, message: 'etcd is away' })] }, 'etcd is away'],
    [
      'a call that fails',
      { fails: new ApiError('forbidden', 'no right to watch', { statusCode: 403 }) },
      'no right to watch',
    ],
  ])('%s', async (_, turn, message) => {
    const { states, changes } = await played(
      { list: list('7', pod('a', '1')) },
      turn,
      { list: list('8', pod('a', '1')) },
      stays,
    );
    expect(states.map(({ type }) => type)).toEqual(['synced', 'failed', 'synced']);
    expect(states[1]).toMatchObject({ error: { message: expect.stringContaining(message) } });
    expect(keysOf(changes)).toEqual([['shop/a']]);
  });
});

test('pauses grow while nothing works, up to half a minute, and are short again afterwards', async () => {
  const away: Turn = { fails: new ApiError('unreachable', 'away') };
  const { states } = await played(
    ...Array.from({ length: 10 }, () => away),
    { list: list('7') },
    away,
    { list: list('8') },
    stays,
  );
  const pauses = states.flatMap((state) => (state.type === 'failed' ? [state.retryMs] : []));
  expect(pauses).toEqual([150, 300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 22_500, 22_500, 150]);
});

test('a page, an event and a bookmark are signs of life; a failure and a broken line are none', async () => {
  const first = { metadata: { resourceVersion: '7', continue: 'more' }, items: [] };
  const { contacts } = await played(
    { list: first },
    { list: list('7') },
    { lines: [event('ADDED', pod('a', '8')), event('BOOKMARK', { metadata: { resourceVersion: '9' } }), '{'] },
    { fails: new ApiError('unreachable', 'away') },
    { list: list('10', pod('a', '8')) },
    stays,
  );
  expect(contacts()).toBe(5);
});

test('nothing is called after it was stopped', async () => {
  const { watcher, calls } = await played({ list: list('7') }, stays);
  const before = calls.length;
  watcher.stop();
  await watcher.synced;
  expect(calls).toHaveLength(before);
});
