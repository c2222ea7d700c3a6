import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { containerOf, injectedPod } from '../../support/builders/decisions.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const folder = mkdtempSync(join(tmpdir(), 'sidecar-injector-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '3306' } },
  spec: { containers: [{ name: 'app', image: 'app:1' }] },
};
const podText = JSON.stringify(pod);
const nftables = fileOf('settings.json', {
  apiVersion: 'sidecar-injector.io/v1alpha1',
  kind: 'InjectorConfiguration',
  spec: { capture: { backend: 'nftables', families: ['IPv4'] } },
});

/** Variables of the init container as the webhook would inject it. */
function loadedBy(spec: object = {}): Record<string, string> {
  const env = containerOf(injectedPod(pod, snapshotOf(spec)), 'istio-init')['env'];
  return Object.fromEntries((env as { name: string; value: string }[]).map(({ name, value }) => [name, value]));
}

describe('of a pod', () => {
  test.each([
    ['v4', 'CAPTURE_RULES_V4'],
    ['v6', 'CAPTURE_RULES_V6'],
  ])('--family %s prints what its init container loads, letter by letter', async (family, variable) => {
    const { stdout, stderr, code } = await runCommand(['capture', '-f', '-', '--dry-run', '--family', family], podText);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(loadedBy()[variable]);
    expect(stdout).toContain('--dport 3306 -j RETURN');
  });

  describe('that is injected already', () => {
    const copy = (spec: object = {}): string => JSON.stringify({ ...pod, ...injectedPod(pod, snapshotOf(spec)) });

    test('prints its own rules, also if other settings are given', async () => {
      const other = fileOf('other.json', {
        apiVersion: 'sidecar-injector.io/v1alpha1',
        kind: 'InjectorConfiguration',
        spec: { capture: { excludeOutboundPorts: '9999' } },
      });
      for (const more of [[], ['--settings', other]]) {
        const args = ['capture', '-f', '-', '--dry-run', '--family', 'v4', ...more];
        const { stdout, stderr, code } = await runCommand(args, copy());
        expect([code, stderr, stdout]).toEqual([0, '', loadedBy()['CAPTURE_RULES_V4']]);
      }
      const words = await runCommand(['capture', '-f', '-', '--explain', '--settings', other], copy());
      expect([words.code, words.stderr.includes('was injected with other settings')]).toEqual([1, true]);
    });

    test('explains them as those of the pod before', async () => {
      const before = await runCommand(['capture', '-f', '-', '--explain'], podText);
      const after = await runCommand(['capture', '-f', '-', '--explain'], copy());
      expect([after.code, after.stderr, after.stdout]).toEqual([0, '', before.stdout]);
    });

    test('says that nothing is captured, and what it cannot know', async () => {
      const free = { ...pod, metadata: { name: 'web', annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } } };
      const text = JSON.stringify({ ...free, ...injectedPod(free) });
      const same = await runCommand(['capture', '-f', '-', '--dry-run'], text);
      expect([same.code, same.stdout, same.stderr.includes('nothing is captured')]).toEqual([0, '', true]);
      const other = await runCommand(['capture', '-f', '-', '--dry-run', '--settings', nftables], text);
      expect([other.code, other.stderr.includes('does not show its rules')]).toEqual([1, true]);
    });
  });

  test('so it does with backend nftables', async () => {
    const { stdout, stderr } = await runCommand(
      ['capture', '-f', '-', '--dry-run', '--family', 'nft', '--settings', nftables],
      podText,
    );
    expect(stdout).toBe(loadedBy({ capture: { backend: 'nftables', families: ['IPv4'] } })['CAPTURE_RULES_NFT']);
    expect(stderr).toBe('');
  });

  test('rules of the other back end are printed with a word', async () => {
    const { stdout, stderr, code } = await runCommand(['capture', '-f', '-', '--dry-run', '--family', 'nft'], podText);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^add table inet istio_capture\n/);
    expect(stderr).toBe(
      "<stdin>:1: Pod/web: the pod's rules are loaded in another form or by another program; these decide alike\n",
    );
  });

  test('without --family all are printed, each under a comment', async () => {
    const { stdout } = await runCommand(['capture', '-f', '-', '--dry-run'], podText);
    expect(stdout.match(/^#.*/gm)).toEqual([
      '# <stdin>:1: Pod/web: iptables-restore',
      '# <stdin>:1: Pod/web: ip6tables-restore',
    ]);
    const { CAPTURE_RULES_V4, CAPTURE_RULES_V6 } = loadedBy();
    expect(stdout.replaceAll(/^#.*\n/gm, '')).toBe(`${CAPTURE_RULES_V4}\n${CAPTURE_RULES_V6}`);
  });

  test('so are the rules that an agent on the node loads', async () => {
    const settings = fileOf('node-agent.json', {
      apiVersion: 'sidecar-injector.io/v1alpha1',
      kind: 'InjectorConfiguration',
      spec: { capture: { loadedBy: 'node-agent' } },
    });
    const { stdout, stderr, code } = await runCommand(
      ['capture', '-f', '-', '--dry-run', '--settings', settings],
      podText,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('--dport 3306 -j RETURN');
    expect(stderr).toMatch(/loaded in another form or by another program/);
  });

  test('--explain says it in words', async () => {
    const { stdout, code } = await runCommand(['capture', '-f', '-', '--explain'], podText);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^<stdin>:1: Pod\/web \(the first row that fits a connection decides\)$/m);
    expect(stdout).toMatch(/^ {2}outbound +traffic to an excluded port +3306 +direct +excluded outbound ports$/m);
  });

  test('a pod with nothing captured is said', async () => {
    const annotations = { 'sidecar.istio.io/interceptionMode': 'NONE' };
    const none = JSON.stringify({ ...pod, metadata: { name: 'web', annotations } });
    const { stdout, stderr, code } = await runCommand(['capture', '-f', '-', '--dry-run'], none);
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
    expect(stderr).toBe('<stdin>:1: Pod/web: nothing is captured (interception mode NONE, or no proxy)\n');
  });

  test.each<[string, string, readonly string[], RegExp]>([
    [
      'a skipped pod',
      JSON.stringify({ ...pod, spec: { ...pod.spec, hostNetwork: true } }),
      [],
      /^error: <stdin>:1: Pod\/web: gets no sidecar: .* \(HostNetwork\)$/m,
    ],
    [
      'a refused pod',
      podText.replace('3306', 'x'),
      [],
      /^error: <stdin>:1: Pod\/web: gets no sidecar: .*"x" is not allowed/m,
    ],
    ['the first gate', podText, ['--namespace-labels', 'a=b'], /the API server would not ask for it/],
    [
      'a family that is not captured',
      podText,
      ['--settings', nftables, '--family', 'v6'],
      /--family v6 is not captured/,
    ],
    [
      'nothing that creates pods',
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"}}',
      [],
      /no object with a known pod template/,
    ],
  ])('%s is a failure', async (_, text, more, message) => {
    const { stdout, stderr, code } = await runCommand(['capture', '-f', '-', '--dry-run', ...more], text);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(message);
  });
});

describe('of a capture file', () => {
  test('prints what Istio would feed to iptables-restore, v4 then v6', async () => {
    const config = { ipv6: true, inboundPortsInclude: '*', outboundIPRangesInclude: '*' };
    const { stdout, code } = await runCommand(['capture', '--config', fileOf('c.json', config), '--dry-run']);
    expect(code).toBe(0);
    expect(stdout.match(/^(?:#|\*|-N).*/gm)?.slice(0, 3)).toEqual([
      `# ${join(folder, 'c.json')}: iptables-restore --noflush`,
      '* nat',
      '-N ISTIO_INBOUND',
    ]);
    expect(stdout.match(/^\* nat$/gm)).toHaveLength(2);
  });

  test('YAML will do, and one family needs no title', async () => {
    const { stdout } = await runCommand(
      ['capture', '--config', '-', '--dry-run'],
      'loading: replace\nproxyPort: 16001\n',
    );
    expect(stdout).toMatch(/^\*nat\n:PREROUTING ACCEPT/);
    expect(stdout).toContain('--to-ports 16001');
  });

  test('mode TPROXY says which routes it needs', async () => {
    const text = '{"interceptionMode":"TPROXY","inboundPortsInclude":"*","inboundTProxyRouteTable":"7"}';
    const { stdout } = await runCommand(['capture', '--config', '-', '--dry-run', '--family', 'v4'], text);
    expect(stdout.match(/^#.*/gm)).toEqual([
      '# needs: ip -4 rule add fwmark 1337 lookup 7',
      '# needs: ip -4 route add local default dev lo table 7',
    ]);
  });

  test('a rule of its own for every excluded group, and one for at most 64 included ones', async () => {
    const groups = Array.from({ length: 65 }, (_, index) => String(2000 + index)).join(',');
    const dryRun = (config: object) =>
      runCommand(['capture', '--config', '-', '--dry-run', '--family', 'v4'], JSON.stringify(config));
    const excluded = await dryRun({ ownerGroupsExclude: groups });
    expect(excluded.stdout.match(/--gid-owner 20\d\d -j RETURN/g)).toHaveLength(65);
    const included = await dryRun({ ownerGroupsInclude: groups });
    expect(included.stderr).toContain('at most 64 group ids or names');
  });

  test('--explain needs no pod', async () => {
    const { stdout } = await runCommand(['capture', '--config', '-', '--explain'], '{"inboundPortsInclude": "80"}');
    expect(stdout).toMatch(/inbound +TCP to a listed port +80 +proxy/);
  });

  test.each<[string, string, RegExp]>([
    ['an unknown field', '{"proxyport": 1}', /^error: <stdin>: proxyport: unknown key, did you mean "proxyPort"\?$/m],
    [
      'a bad value',
      '{"outboundIPRangesExclude": "*"}',
      /^error: <stdin>: outboundIPRangesExclude: "\*" is not allowed/m,
    ],
    ['several problems', '{"proxyPort": 0, "ipv6": 1}', /proxyPort: .*\n.*ipv6: /],
    ['no object', '[]', /must be one object with the field names of istio-iptables/],
    ['two documents', '{}\n---\n{}\n', /must be one object/],
    ['no YAML', '{', /^error: <stdin>/m],
  ])('%s is a failure', async (_, text, message) => {
    const { stdout, stderr, code } = await runCommand(['capture', '--config', '-', '--dry-run'], text);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toMatch(message);
  });
});

test.each<[readonly string[], RegExp]>([
  [[], /capture needs either -f or --config/],
  [['-f', '-', '--config', '-'], /capture needs either -f or --config/],
  [['-f', '-'], /capture loads no rules itself/],
  [['-f', '-', '--dry-run', '--family', 'v5'], /Allowed choices are v4, v6, nft/],
])('wrong usage: capture %j', async (args, message) => {
  const { stdout, stderr, code } = await runCommand(['capture', ...args], podText);
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  expect(stderr).toMatch(message);
});
