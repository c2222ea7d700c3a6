import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../src/capture/intent.ts';
import { renderIptables } from '../../src/capture/iptables.ts';
import { renderNftables } from '../../src/capture/nftables.ts';
import { captureIntent, port } from '../support/capture-intent.ts';
import { captureEnvironment, captureScript } from '../support/capture-script.ts';
import { createPodNamespace, type Finished, type PodNamespace } from '../support/pod-namespace.ts';

let pod: PodNamespace;
let folder: string;
beforeEach(() => {
  pod = createPodNamespace('script');
  folder = mkdtempSync(join(tmpdir(), 'sidecar-injector-capture-'));
});
afterEach(() => {
  pod.remove();
  rmSync(folder, { recursive: true });
});

function load(env: Readonly<Record<string, string>>, before: readonly string[] = []): Finished {
  return pod.run('pod', [...before, captureScript], { env });
}

function saved(tool: string): string[] {
  return pod
    .run('pod', [tool, '-t', 'nat'])
    .stdout.split('\n')
    .filter((line) => line.startsWith('-A'));
}

/** A folder with the named programs alone, to stand for another image. */
function pathWith(...programs: string[]): string {
  for (const program of ['sh', 'grep', 'tr', ...programs]) {
    const found = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
      .map((one) => join(one, program))
      .find((one) => existsSync(one));
    if (found === undefined) throw new Error(`${program} is not installed on this machine`);
    symlinkSync(found, join(folder, program));
  }
  return folder;
}

const intents: [string, CaptureIntent][] = [
  ['default', captureIntent()],
  ['listed ports', captureIntent({ inbound: { ports: [port(80), { first: 8000, last: 8100 }] } })],
  ['nothing inbound', captureIntent({ inbound: { ports: [] } })],
  [
    'lists of everything',
    captureIntent({
      outbound: {
        cidrs: ['10.1.2.3/8', 'fd00::1/8', '127.1.0.0/16'],
        excludeCidrs: ['10.0.0.0/24', 'fd00:1::/64'],
        ports: [port(443)],
        excludePorts: [{ first: 7000, last: 7010 }, port(53)],
        ownerGroups: ['1000', '2000'],
        excludeOwnerGroups: ['3000'],
      },
      excludeInterfaces: ['net1', 'net-2.3'],
      rerouteInterfaces: ['tap0', 'tap1'],
      proxyUids: ['1337', '2000'],
    }),
  ],
];

describe.each(intents)('%s', (_, intent) => {
  test('loads, and loading it again changes nothing', () => {
    expect(load(captureEnvironment(intent))).toMatchObject({ status: 0, stderr: '' });
    const first = { v4: saved('iptables-save'), v6: saved('ip6tables-save') };
    expect(first.v4).toHaveLength(renderIptables(intent, 'v4').match(/^-/gm)?.length ?? 0);
    expect(first.v6).toHaveLength(renderIptables(intent, 'v6').match(/^-/gm)?.length ?? 0);
    expect(load(captureEnvironment(intent))).toMatchObject({ status: 0, stderr: '' });
    expect({ v4: saved('iptables-save'), v6: saved('ip6tables-save') }).toEqual(first);
  });

  test('loads with the legacy back end too', () => {
    const path = pathWith('iptables-legacy-restore', 'ip6tables-legacy-restore', 'ip');
    const result = load(captureEnvironment(intent), ['env', `PATH=${path}`]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain('IPv6 rules loaded with ip6tables-legacy-restore');
    expect(saved('ip6tables-legacy-save')).toHaveLength(renderIptables(intent, 'v6').match(/^-/gm)?.length ?? 0);
  });

  test('loads as nftables, twice, and leaves other tables alone', () => {
    pod.run('pod', ['nft', 'add', 'table', 'inet', 'neighbour']);
    const list = (): string => pod.run('pod', ['nft', 'list', 'ruleset']).stdout;
    expect(pod.run('pod', ['nft', '-f', '-'], { input: renderNftables(intent) })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const first = list();
    expect(first).toContain('table inet istio_capture');
    expect(first).toContain('table inet neighbour');
    expect(pod.run('pod', ['nft', '-f', '-'], { input: renderNftables(intent) })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(list()).toBe(first);
  });
});

test('a second pod configuration replaces the first one', () => {
  load(captureEnvironment(captureIntent()));
  load(captureEnvironment(captureIntent({ inbound: { ports: [port(80)] } })));
  expect(saved('iptables-save').filter((line) => line.startsWith('-A ISTIO_INBOUND'))).toEqual([
    '-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN',
    '-A ISTIO_INBOUND -p tcp -m tcp --dport 80 -j ISTIO_IN_REDIRECT',
  ]);
});

test('rules are data: nothing in them is evaluated', () => {
  const marks = ['a', 'b'].map((name) => join(folder, name));
  const rules = `${renderIptables(captureIntent(), 'v4')}$(touch ${marks[0]})\n\`touch ${marks[1]}\`\n%s %n\n`;
  expect(load({ CAPTURE_RULES_V4: rules }).status).toBe(1);
  expect(marks.filter((mark) => existsSync(mark))).toEqual([]);
});

test('works on a read-only root file system', () => {
  const path = pathWith('iptables-legacy-restore', 'ip6tables-legacy-restore', 'ip');
  const readOnly = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount -o remount,bind,ro / && mount -t tmpfs -o ro none /run && PATH="$1" exec "$2"',
    'sh',
    path,
  ];
  const result = load(captureEnvironment(captureIntent()), readOnly);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toContain('iptables-legacy-restore');
});

test('a pod in which IPv6 is switched off is said, and is no error', () => {
  const off = [
    'sh',
    '-c',
    'sysctl -q -w net.ipv6.conf.lo.disable_ipv6=1 && "$1"; code=$?; sysctl -q -w net.ipv6.conf.lo.disable_ipv6=0; exit $code',
    'sh',
  ];
  const result = load(captureEnvironment(captureIntent()), off);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toContain('IPv6 is switched off in this pod');
});

test('a kernel without IPv6 is said, and is no error', () => {
  const without = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc/$$/net && exec "$1"', 'sh'];
  const result = load(captureEnvironment(captureIntent()), without);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toContain('this kernel has no IPv6');
  expect(saved('ip6tables-save')).toEqual([]);
});

test('a source address that the pod lacks is added to the loopback interface, once', () => {
  const env = { ...captureEnvironment(captureIntent()), CAPTURE_SOURCE_V6: '::6' };
  for (const result of [load(env), load(env)]) expect(result).toMatchObject({ status: 0, stderr: '' });
  const { stdout } = pod.run('pod', ['ip', '-6', '-oneline', 'address', 'show', 'dev', 'lo']);
  expect(stdout.match(/inet6 \S+/g)?.toSorted()).toEqual(['inet6 ::1/128', 'inet6 ::6/128']);
});

test('one family alone is said', () => {
  const result = load(captureEnvironment(captureIntent({ families: ['v4'] })));
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toContain('CAPTURE_RULES_V6 is not set: IPv6 traffic is not captured');
});

describe('says on one line what is wrong', () => {
  test.each<[string, () => Finished, RegExp]>([
    ['no rules', () => load({}), /neither CAPTURE_RULES_V4 nor CAPTURE_RULES_V6 is set/],
    [
      'a bad rule',
      () => load({ CAPTURE_RULES_V4: '*nat\n-A NOWHERE -j RETURN\nCOMMIT' }),
      /IPv4 rules could not be loaded; iptables-nft-restore: .+; iptables-legacy-restore: .+/,
    ],
    [
      'no tools',
      () => load(captureEnvironment(captureIntent()), ['env', `PATH=${pathWith()}`]),
      /iptables-nft-restore: not installed; iptables-legacy-restore: not installed/,
    ],
    [
      'no capability',
      () =>
        load(captureEnvironment(captureIntent()), [
          'setpriv',
          '--bounding-set=-net_admin',
          '--inh-caps=-net_admin',
          '--',
        ]),
      /IPv4 rules could not be loaded; .*Permission denied/,
    ],
  ])('%s', (_, run, message) => {
    const result = run();
    expect(result.status).toBe(1);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result.stderr).toMatch(message);
  });
});
