import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../src/capture/intent.ts';
import { renderIptables } from '../../src/capture/iptables.ts';
import { captureIntent, port } from '../support/builders/capture-intent.ts';
import { captureEnvironment, captureScript } from '../support/network/capture-script.ts';
import { startAgent } from '../support/network/agent.ts';
import { createPodNamespace, type Finished, type PodNamespace } from '../support/network/pod-namespace.ts';
import { legacyPrograms, shellPrograms } from '../support/network/capture-back-ends.ts';
import { programFolder, type ProgramFolder } from '../support/processes/program-folder.ts';

let pod: PodNamespace;
let folder: string;
let images: ProgramFolder[] = [];
beforeEach(() => {
  pod = createPodNamespace('script');
  folder = mkdtempSync(join(tmpdir(), 'sidecar-injector-capture-'));
});
afterEach(() => {
  pod.remove();
  rmSync(folder, { recursive: true });
  for (const made of images) made.remove();
  images = [];
});

function load(env: Readonly<Record<string, string>>, before: readonly string[] = []): Finished {
  return pod.run('pod', [...before, captureScript], { env });
}

function verify(env: Readonly<Record<string, string>>): Finished {
  return pod.run('pod', [captureScript, 'verify'], { env });
}

function clean(env: Readonly<Record<string, string>>): Finished {
  return pod.run('pod', [captureScript, 'clean'], { env });
}

function saved(tool: string): string[] {
  return pod
    .run('pod', [tool, '-t', 'nat'])
    .stdout.split('\n')
    .filter((line) => line.startsWith('-A'));
}

function loopbackAddresses(): string[] {
  const { stdout } = pod.run('pod', ['ip', '-6', '-oneline', 'address', 'show', 'dev', 'lo']);
  return [...stdout.matchAll(/inet6 (\S+)/g)].map(([, address]) => address ?? '').toSorted();
}

/** PATH of an image with the named programs alone. */
function image(programs: readonly string[]): string {
  const made = programFolder(...programs);
  images.push(made);
  return made.path;
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
    const path = image(legacyPrograms);
    const result = load(captureEnvironment(intent), ['env', `PATH=${path}`]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/IPv6: \d+ rules loaded by ip6tables-legacy-restore/);
    expect(saved('ip6tables-legacy-save')).toHaveLength(renderIptables(intent, 'v6').match(/^-/gm)?.length ?? 0);
  });

  test('loads as nftables, twice, and leaves other tables alone', () => {
    pod.run('pod', ['nft', 'add', 'table', 'inet', 'neighbour']);
    const list = (): string => pod.run('pod', ['nft', 'list', 'ruleset']).stdout;
    const env = captureEnvironment(intent, 'nftables');
    expect(load(env)).toMatchObject({ status: 0, stderr: '' });
    const first = list();
    expect(first).toContain('table inet istio_capture');
    expect(first).toContain('table inet neighbour');
    expect(load(env)).toMatchObject({ status: 0, stderr: '' });
    expect(list()).toBe(first);
  });

  test.each(['iptables', 'nftables'] as const)('%s: cleaned up, nothing is left but what others made', (backend) => {
    // The second and third are, letter by letter, what excluded interfaces ask for.
    const others = [
      'PREROUTING -i net1 -p tcp -j RETURN',
      'PREROUTING -i net1 -j RETURN',
      'OUTPUT -o net1 -j RETURN',
      'OUTPUT -d 10.9.9.9/32 -j ACCEPT',
    ];
    const env = captureEnvironment(intent, backend);
    expect(load(env)).toMatchObject({ status: 0 });
    for (const rule of others) pod.run('pod', ['iptables', '-t', 'nat', '-A', ...rule.split(' ')]);
    expect(clean(env)).toMatchObject({ status: 0, stderr: '' });
    expect(saved('iptables-save')).toEqual(others.map((rule) => `-A ${rule}`));
    expect(saved('ip6tables-save')).toEqual([]);
    expect(pod.run('pod', ['nft', 'list', 'tables']).stdout).not.toContain('istio_capture');
    expect(loopbackAddresses()).toEqual(['::1/128']);
    expect(clean(env).stdout).toBe('capture: nothing of ours is here\n');
  });
});

test('both back ends at once: clean-up finds the rules of either', () => {
  const env = captureEnvironment(captureIntent());
  expect(load(env)).toMatchObject({ status: 0 });
  expect(load(env, ['env', `PATH=${image(legacyPrograms)}`])).toMatchObject({ status: 0, stderr: '' });
  expect(load(captureEnvironment(captureIntent(), 'nftables'))).toMatchObject({ status: 0 });
  const { stdout } = clean(env);
  for (const part of ['iptables-nft', 'iptables-legacy', 'table inet istio_capture']) expect(stdout).toContain(part);
  expect(['iptables-save', 'ip6tables-save', 'iptables-legacy-save', 'ip6tables-legacy-save'].flatMap(saved)).toEqual(
    [],
  );
});

test('clean-up without the rules still knows all of ours', () => {
  load(captureEnvironment(captureIntent({ excludeInterfaces: ['net1'], rerouteInterfaces: ['tap0'] })));
  expect(clean({}).stdout).toMatch(/IPv4: \d+ rules of table nat removed by iptables-nft-restore/);
  expect(saved('iptables-save')).toEqual([]);
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
  const path = image(legacyPrograms);
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
  expect(result.stdout).toContain('there is no IPv6 in this kernel');
  expect(saved('ip6tables-save')).toEqual([]);
});

test('a source address that the pod lacks is added to the loopback interface, once', () => {
  const env = captureEnvironment(captureIntent());
  for (const result of [load(env), load(env)]) expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(loopbackAddresses()).toEqual(['::1/128', '::6/128']);
});

test('one family alone is said', () => {
  const result = load(captureEnvironment(captureIntent({ families: ['v4'] })));
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toContain('IPv6 traffic is not captured (CAPTURE_RULES_V6 is not set)');
});

test('says on one line what it did', () => {
  const { stdout } = load(captureEnvironment(captureIntent()));
  expect(stdout.trimEnd().split('; ')).toEqual([
    expect.stringMatching(/^capture: IPv4: 18 rules loaded by iptables-nft-restore$/),
    'IPv4: a connection to 192.0.2.1 port 15002 arrives at port 15001',
    '::6 is an address of the loopback interface',
    'IPv6: 18 rules loaded by ip6tables-nft-restore',
    'IPv6: a connection to 2001:db8::1 port 15002 arrives at port 15001',
  ]);
});

test('runs as an ordinary user where the runtime gives the capabilities', () => {
  const capabilities = '+net_admin,+net_raw';
  const user = ['--reuid=1000', '--regid=1000', '--clear-groups'];
  const result = load(
    { ...captureEnvironment(captureIntent()), XTABLES_LOCKFILE: join('/dev/shm', 'other-user.lock') },
    ['setpriv', ...user, `--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`, '--no-new-privs', '--'],
  );
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(saved('iptables-save')).not.toEqual([]);
});

test('waits for whoever holds the lock', () => {
  const lock = join(folder, 'xtables.lock');
  const released = join(folder, 'released');
  const holder =
    'flock "$1" sh -c \'touch "$1"; sleep 1; touch "$2"\' sh "$3" "$2" & until [ -e "$3" ]; do sleep 0.05; done';
  const path = image([...legacyPrograms, 'env']);
  const script = `${holder}; PATH="$4" "$5"; code=$?; [ -e "$2" ] || exit 9; exit $code`;
  const words = ['sh', '-c', script, 'sh', lock, released, join(folder, 'held'), path, captureScript];
  const env = { ...captureEnvironment(captureIntent()), XTABLES_LOCKFILE: lock };
  expect(pod.run('pod', words, { env })).toMatchObject({ status: 0, stderr: '' });
});

test('two at once do not get into each other’s way', () => {
  const script = '"$1" & first=$!; "$1" && wait "$first"';
  const result = pod.run('pod', ['sh', '-c', script, 'sh', captureScript], {
    env: captureEnvironment(captureIntent()),
  });
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(saved('iptables-save')).toHaveLength(18);
});

describe('verification', () => {
  const env = captureEnvironment(captureIntent());

  test.each(['iptables', 'nftables'] as const)('%s: passes when the rules do their work', (backend) => {
    const own = captureEnvironment(captureIntent(), backend);
    load(own);
    const { status, stdout, stderr } = verify(own);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('IPv6: a connection to 2001:db8::1 port 15002 arrives at port 15001');
  });

  test('passes when the proxy listens already', async () => {
    load(env);
    const proxy = await startAgent(pod.name.pod);
    try {
      for (const listening of [15001, 15006]) await proxy.listen({ kind: 'banner', port: listening, text: 'proxy' });
      expect(verify(env)).toMatchObject({ status: 0, stderr: '' });
    } finally {
      await proxy.stop();
    }
  });

  test.each<[string, () => Finished, RegExp]>([
    [
      'no rules at all',
      () => verify(env),
      /^capture: error: IPv4 rules are not in place: 18 wanted; iptables-nft-save shows 0/,
    ],
    [
      'no table at all',
      () => verify(captureEnvironment(captureIntent(), 'nftables')),
      /^capture: error: the rules are not in place: there is no table inet istio_capture/,
    ],
    [
      'a tool that says yes and does nothing',
      () => {
        const path = image([...shellPrograms, 'iptables-nft-save', 'perl', 'ip']);
        symlinkSync('/bin/true', join(path, 'iptables-nft-restore'));
        return load(env, ['env', `PATH=${path}`]);
      },
      /^capture: error: IPv4 rules are not in place/,
    ],
    [
      'rules that lack what leads to them',
      () => {
        load(env);
        pod.run('pod', ['iptables', '-t', 'nat', '-R', 'OUTPUT', '1', '-d', '10.99.0.0/16', '-j', 'ISTIO_OUTPUT']);
        return verify(env);
      },
      /^capture: error: IPv4 rules do not work: a connection to 192\.0\.2\.1 port 15002 should arrive at port 15001: /,
    ],
    [
      'rules of the other family alone that do not work',
      () => {
        load(env);
        pod.run('pod', ['ip6tables', '-t', 'nat', '-R', 'OUTPUT', '1', '-d', 'fd99::/16', '-j', 'ISTIO_OUTPUT']);
        return verify(env);
      },
      /^capture: error: IPv6 rules do not work: /,
    ],
  ])('fails with %s', (_, run, message) => {
    const result = run();
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(message);
  });

  test.each<[string, CaptureIntent, string]>([
    ['a listed port', captureIntent({ outbound: { cidrs: [], ports: [port(443)] } }), '192.0.2.1 port 443 arrives'],
    ['a listed address', captureIntent({ outbound: { cidrs: ['10.99.0.0/16'] } }), '10.99.0.0 port 15002 arrives'],
    [
      'nothing, when nothing outbound is captured',
      captureIntent({ outbound: { cidrs: [] } }),
      'IPv4: read back, as nothing that this container may open is captured',
    ],
    [
      'nothing, when root is not captured',
      captureIntent({ outbound: { ownerGroups: ['2000'] } }),
      'IPv4: read back, as nothing that this container may open is captured',
    ],
  ])('tries %s', (_, intent, said) => {
    const result = load(captureEnvironment(intent));
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain(said);
  });

  test('a pod without a way out in one family is no error', () => {
    pod.run('pod', ['ip', '-6', 'route', 'del', 'default']);
    const result = load(env);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain(
      'IPv6: read back, not tried (this pod has no way to 2001:db8::1: Network is unreachable)',
    );
  });

  test('can be switched off', () => {
    const { stdout } = load({ ...env, CAPTURE_VERIFY: 'false' });
    expect(stdout).not.toMatch(/arrives|read back/);
  });
});

test('shellcheck and perl find nothing to say', () => {
  expect(pod.run('pod', ['shellcheck', '--severity=style', captureScript])).toMatchObject({ status: 0, stdout: '' });
  const connection = captureScript.replace('capture.sh', 'try-connection.pl');
  expect(pod.run('pod', ['perl', '-wc', connection]).stderr).toMatch(/syntax OK\n$/);
});

test('another word than a mode is refused', () => {
  const result = pod.run('pod', [captureScript, 'drop'], { env: captureEnvironment(captureIntent()) });
  expect(result).toMatchObject({
    status: 2,
    stderr: 'capture: error: "drop" is no mode; allowed: load, verify, try, clean\n',
  });
  expect(saved('iptables-save')).toEqual([]);
});

describe('says on one line what is wrong', () => {
  test.each<[string, () => Finished, RegExp]>([
    ['no rules', () => load({}), /none of CAPTURE_RULES_V4, CAPTURE_RULES_V6 and CAPTURE_RULES_NFT is set/],
    [
      'a bad rule',
      () => load({ CAPTURE_RULES_V4: '*nat\n-A NOWHERE -j RETURN\nCOMMIT' }),
      /IPv4 rules could not be loaded.*; iptables-nft-restore: .+; iptables-legacy-restore: .+/,
    ],
    [
      'no tools',
      () => load(captureEnvironment(captureIntent()), ['env', `PATH=${image(shellPrograms)}`]),
      /\(missing: iptables in this image\); iptables-nft-restore: not installed; iptables-legacy-restore: not installed/,
    ],
    [
      'no nft',
      () => load(captureEnvironment(captureIntent(), 'nftables'), ['env', `PATH=${image([...shellPrograms, 'ip'])}`]),
      /\(missing: nftables in this image\)/,
    ],
    [
      'no ip',
      () =>
        load(captureEnvironment(captureIntent()), [
          'env',
          `PATH=${image(legacyPrograms.filter((name) => name !== 'ip'))}`,
        ]),
      /::6 could not be added to the loopback interface \(missing: iproute2 in this image\)/,
    ],
    [
      'no kernel module',
      () => load({ CAPTURE_RULES_V4: '*nat\n-A OUTPUT -m nosuchmatch -j RETURN\nCOMMIT' }),
      /\(missing: a kernel module: /,
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
      /IPv4 rules could not be loaded \(missing: the capability NET_ADMIN\); .*Permission denied/,
    ],
  ])('%s', (_, run, message) => {
    const result = run();
    expect(result.status).toBe(1);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result.stderr).toMatch(message);
  });
});
