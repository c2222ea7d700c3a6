import { describe, expect, test } from '@jest/globals';
import { renderNftables } from '../../../src/capture/nftables.ts';
import { readSettings } from '../../../src/settings/document.ts';
import { describeProblem } from '../../../src/grammar/problem.ts';
import { containerOf, decideOn, injectedPod, podWith, rulesOf } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

function environmentOf(settings: object = {}, annotations: Record<string, string> = {}): Record<string, string> {
  const pod = injectedPod(podWith({ annotations }), snapshotOf(settings));
  const env = containerOf(pod, 'istio-init')['env'] as { name: string; value: string }[];
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

/** Rules that one pod has and another one, without settings and annotations, has not; and the other way round. */
function difference(family: 'V4' | 'V6', capture: object, annotations: Record<string, string> = {}) {
  const plain = rulesOf(injectedPod(podWith()), family);
  const changed = rulesOf(injectedPod(podWith({ annotations }), snapshotOf({ capture })), family);
  return {
    more: changed.filter((line) => !plain.includes(line)),
    less: plain.filter((line) => !changed.includes(line)),
  };
}

test('the init container gets the rules, the loopback source and what to try them with', () => {
  expect(environmentOf()).toEqual({
    CAPTURE_RULES_V4: expect.stringMatching(/^\*nat\n/),
    CAPTURE_RULES_V6: expect.stringMatching(/^\*nat\n/),
    CAPTURE_SOURCE_V6: '::6',
    CAPTURE_PROBE_V4: '192.0.2.1 15002 15001',
    CAPTURE_PROBE_V6: '2001:db8::1 15002 15001',
  });
});

test('with backend nftables it gets one table for both families', () => {
  const decision = decideOn(podWith(), snapshotOf({ capture: { backend: 'nftables' } }));
  const env = environmentOf({ capture: { backend: 'nftables' } });
  expect(Object.keys(env)).toEqual(['CAPTURE_RULES_NFT', 'CAPTURE_SOURCE_V6', 'CAPTURE_PROBE_V4', 'CAPTURE_PROBE_V6']);
  if (decision.outcome !== 'inject' || decision.capture === undefined) throw new Error('not injected');
  expect(env['CAPTURE_RULES_NFT']).toBe(renderNftables(decision.capture));
});

test('one family has one set of rules', () => {
  expect(Object.keys(environmentOf({ capture: { families: ['IPv4'] } }))).toEqual([
    'CAPTURE_RULES_V4',
    'CAPTURE_PROBE_V4',
  ]);
});

test('verification can be switched off', () => {
  expect(environmentOf({ capture: { verify: false } })).toMatchObject({ CAPTURE_VERIFY: 'false' });
});

describe.each<[string, object, Record<string, string>, { v4?: string[]; v6?: string[]; lessV4?: string[] }]>([
  [
    'metadata service, left alone unless the setting is emptied',
    { metadataAddresses: '' },
    {},
    { lessV4: ['-A ISTIO_OUTPUT -d 169.254.169.254/32 -j RETURN'] },
  ],
  [
    'API server',
    { apiServerAddresses: '10.96.0.1/32,fd00:96::1/128' },
    {},
    {
      v4: ['-A ISTIO_OUTPUT -d 10.96.0.1/32 -j RETURN'],
      v6: ['-A ISTIO_OUTPUT -d fd00:96::1/128 -j RETURN'],
    },
  ],
  [
    'excluded addresses of settings and pod together',
    { excludeOutboundIPRanges: '10.1.0.0/16' },
    { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.2.0.0/16' },
    { v4: ['-A ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN', '-A ISTIO_OUTPUT -d 10.2.0.0/16 -j RETURN'] },
  ],
  [
    'users',
    { excludeOutboundUsers: '100' },
    { 'sidecar-injector.io/excludeOutboundUsers': '200:0-99' },
    {
      v4: [
        '-A ISTIO_OUTPUT -m owner --uid-owner 100 -j RETURN',
        '-A ISTIO_OUTPUT -p tcp --dport 1:99 -m owner --uid-owner 200 -j RETURN',
        '-A ISTIO_OUTPUT -p udp --dport 1:99 -m owner --uid-owner 200 -j RETURN',
      ],
    },
  ],
  [
    'groups',
    { excludeOutboundGroups: '8' },
    { 'sidecar-injector.io/includeOutboundGroups': '5,java' },
    {
      v4: [
        '-A ISTIO_OUTPUT -m owner ! --gid-owner 5 -m owner ! --gid-owner java -j RETURN',
        '-A ISTIO_OUTPUT -m owner --gid-owner 8 -j RETURN',
      ],
    },
  ],
  [
    'interfaces',
    { excludeInterfaces: 'net1', rerouteInterfaces: 'tap0' },
    {
      'traffic.sidecar.istio.io/excludeInterfaces': 'net2',
      'traffic.sidecar.istio.io/kubevirtInterfaces': 'tap1,tap0',
    },
    {
      v6: [
        '-A PREROUTING -i net1 -m comment --comment ISTIO_CAPTURE -j RETURN',
        '-A OUTPUT -o net1 -m comment --comment ISTIO_CAPTURE -j RETURN',
        '-A PREROUTING -i net2 -m comment --comment ISTIO_CAPTURE -j RETURN',
        '-A OUTPUT -o net2 -m comment --comment ISTIO_CAPTURE -j RETURN',
        '-I PREROUTING 1 -i tap0 -m comment --comment ISTIO_CAPTURE -j RETURN',
        '-I PREROUTING 1 -i tap1 -m comment --comment ISTIO_CAPTURE -j RETURN',
        '-I PREROUTING 1 -i tap0 -j ISTIO_REDIRECT',
        '-I PREROUTING 1 -i tap1 -j ISTIO_REDIRECT',
      ],
    },
  ],
  [
    'invalid packets',
    { dropInvalidPackets: true },
    {},
    {
      v4: [
        '*mangle',
        ':FORWARD ACCEPT [0:0]',
        ':ISTIO_DROP - [0:0]',
        '-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP',
        '-A ISTIO_DROP -j DROP',
      ],
    },
  ],
])('%s', (_, capture, annotations, expected) => {
  test.each(['V4', 'V6'] as const)('%s', (family) => {
    const { more, less } = difference(family, capture, annotations);
    const wanted = family === 'V4' ? expected.v4 : expected.v6;
    if (wanted !== undefined) expect(more).toEqual(wanted);
    if (family === 'V4') expect(less).toEqual(expected.lessV4 ?? []);
  });
});

test.each([
  [
    { redirectDNS: true },
    'spec.capture.redirectDNS: allowed: false; the proxy has no DNS server that would answer captured queries',
  ],
  [
    { interceptionMode: 'TPROXY' },
    'spec.capture.interceptionMode: allowed: REDIRECT, NONE; TPROXY would need a proxy that is root with NET_ADMIN, which is not offered; excludeInboundPorts names ports whose application must see its clients',
  ],
  [{ families: ['IPv4', 'IPv4'] }, 'spec.capture.families: allowed: each family once'],
])('settings %j are refused', (capture, message) => {
  const read = readSettings({
    apiVersion: 'sidecar-injector.io/v1alpha1',
    kind: 'InjectorConfiguration',
    metadata: { name: 'default' },
    spec: { capture },
  });
  expect('problems' in read ? read.problems.map(describeProblem) : []).toEqual([message]);
});
