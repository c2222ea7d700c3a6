import { describe, expect, test } from '@jest/globals';
import { resolveBase, type PodSettings } from '../../../src/settings/effective.ts';
import { readPodSettings } from '../../../src/settings/pod-settings.ts';
import { proxyConfigKeys } from '../../../src/settings/proxy-config.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const name = 'proxy.istio.io/config';
const base = resolveBase(snapshotOf().settings, undefined);

function read(config: string, more: Record<string, string> = {}) {
  return readPodSettings({ annotations: { ...more, [name]: config }, labels: undefined }, base, []);
}

const effects: Record<string, [good: string, (effective: PodSettings) => unknown, value: unknown, bad: string]> = {
  concurrency: ['concurrency: 0', ({ proxy }) => proxy.concurrency, 0, 'concurrency: -1'],
  holdApplicationUntilProxyStarts: [
    '{"holdApplicationUntilProxyStarts": true}',
    ({ proxy }) => proxy.holdApplication,
    true,
    'holdApplicationUntilProxyStarts: maybe',
  ],
  drainDuration: ['drainDuration: 1m30s', ({ proxy }) => proxy.drainSeconds, 90, 'drainDuration: 0s'],
  terminationDrainDuration: [
    'terminationDrainDuration: "5s"',
    ({ proxy }) => proxy.terminationDrainSeconds,
    5,
    'terminationDrainDuration: 5',
  ],
  interceptionMode: ['interceptionMode: NONE', ({ capture }) => capture.mode, 'NONE', 'interceptionMode: SOMETIMES'],
  proxyMetadata: [
    'proxyMetadata: {ISTIO_OUTBOUND_OWNER_GROUPS: "2000,java"}',
    ({ capture }) => capture.includeOutboundGroups,
    ['2000', 'java'],
    'proxyMetadata: 5',
  ],
  statusPort: ['statusPort: 16000', ({ proxy }) => proxy.statusPort, 16_000, 'statusPort: 15001'],
};

describe('keys of a ProxyConfig', () => {
  const keysWith = (support: string) => proxyConfigKeys.filter((row) => row.support === support).map(({ key }) => key);

  test('every effective key has an example', () => {
    expect(Object.keys(effects)).toEqual(keysWith('supported'));
  });

  test.each(Object.entries(effects))('%s', (key, [good, effect, value, bad]) => {
    const found = read(good);
    expect([found.problems, found.warnings]).toEqual([[], []]);
    expect(effect(found.effective)).toEqual(value);
    expect(effect(base)).not.toEqual(value);
    expect(read(bad).problems).toEqual([{ where: name, message: expect.stringContaining('allowed: ') }]);
    expect(key).toBe(good.match(/\w+/)?.[0]);
  });

  test.each(keysWith('ignored'))('%s gives a warning', (key) => {
    const found = read(`${key}: {}`);
    expect(found).toEqual({
      effective: base,
      problems: [],
      warnings: [expect.stringContaining(`": ${key} has no effect`)],
    });
  });

  test.each(keysWith('denied'))('%s is refused', (key) => {
    expect(read(`${key}: 15999`).problems).toEqual([
      { where: name, message: expect.stringMatching(`^${key} is not supported: `) },
    ]);
  });

  test.each(['proxyAdminPort: 15000', 'binaryPath: /usr/local/bin/envoy', 'configPath: ./etc/istio/proxy'])(
    'what happens anyway may be asked for: %s',
    (config) => expect(read(config)).toEqual({ effective: base, problems: [], warnings: [] }),
  );

  test('an unknown key gives a warning with the nearest one', () => {
    expect(read('concurency: 2').warnings).toEqual([
      `annotation "${name}": "concurency" is unknown and has no effect, did you mean "concurrency"?`,
    ]);
  });

  test('all bad keys come back at once', () => {
    const config = Object.values(effects).map(([, , , bad]) => bad);
    expect(read(config.join('\n')).problems).toHaveLength(config.length);
  });
});

test.each([
  ['before it', (own: Record<string, string>, config: string) => ({ ...own, [name]: config })],
  ['after it', (own: Record<string, string>, config: string) => ({ [name]: config, ...own })],
])('an annotation of its own wins, %s', (_, order) => {
  const own = { 'status.sidecar.istio.io/port': '17000', 'sidecar.istio.io/interceptionMode': 'REDIRECT' };
  const annotations = order(own, 'statusPort: 16000\ninterceptionMode: NONE');
  const { effective } = readPodSettings({ annotations, labels: undefined }, base, []);
  expect([effective.proxy.statusPort, effective.capture.mode]).toEqual([17_000, 'REDIRECT']);
});

test.each([
  ['nothing', '', []],
  ['a comment', '# later\n', []],
  ['broken YAML', 'a: [', ['is no YAML']],
  ['an anchor', 'a: &x 1', ['has an anchor']],
  ['an alias bomb', 'a: &a [x,x]\nb: &b [*a,*a]', ['has an anchor']],
  ['an alias of nothing', 'a: *x', ['has an anchor']],
  ['a tag', 'concurrency: !!binary aGk=', ['has an anchor, alias, tag']],
  ['a key twice', 'concurrency: 1\nconcurrency: 2', ['is no YAML (Map keys must be unique']],
  ['a key that is a list', '[a]: 1', ['has an anchor, alias, tag or a key']],
  ['a prototype', '__proto__: {}', []],
  ['two documents', 'a: 1\n---\nb: 2', ['is no YAML']],
  ['too much', `# ${'x'.repeat(20_000)}`, ['is longer than 16384 characters']],
])('%s', (_, text, starts) => {
  expect(read(text).problems.map(({ message }) => message)).toEqual(
    starts.map((start) => expect.stringContaining(start)),
  );
});
