import { describe, expect, test } from '@jest/globals';
import { readCaptureConfiguration } from '../../../src/capture/configuration.ts';
import { describeProblem } from '../../../src/grammar/problem.ts';

function problemsOf(value: unknown): readonly string[] {
  const read = readCaptureConfiguration(value);
  return 'problems' in read ? read.problems.map(describeProblem) : [];
}

function intentOf(value: unknown) {
  const read = readCaptureConfiguration(value);
  if ('problems' in read) throw new Error(read.problems.map(describeProblem).join('\n'));
  return read.value;
}

test('nothing set is what istio-iptables does without flags', () => {
  expect(intentOf({})).toMatchObject({
    mode: 'REDIRECT',
    loading: 'append',
    families: ['v4'],
    proxyUids: ['1337'],
    proxyGids: ['1337'],
    inbound: { ports: [], excludePorts: [] },
    outbound: { cidrs: [], ownerGroups: 'all' },
    dns: undefined,
  });
});

describe('fields', () => {
  test.each<[string, object, object]>([
    ['the group follows the user', { proxyUID: '5,6' }, { proxyUids: ['5', '6'], proxyGids: ['5', '6'] }],
    ['numbers may be numbers', { proxyPort: 16001, proxyUID: 7 }, { outboundPort: 16001, proxyUids: ['7'] }],
    [
      'empty entries of lists are no entries',
      { inboundPortsInclude: '80,,90-99, ' },
      {
        inbound: {
          ports: [
            { first: 80, last: 80 },
            { first: 90, last: 99 },
          ],
          excludePorts: [],
        },
      },
    ],
    ['both families', { ipv6: true }, { families: ['v4', 'v6'] }],
    ['capture of DNS without servers is none', { redirectDNS: true }, { dns: undefined }],
    ['servers without capture of DNS are none', { dnsServersV4: ['10.0.0.1'] }, { dns: undefined }],
    [
      'servers of both families',
      { redirectDNS: true, dnsServersV4: ['10.0.0.1'], dnsServersV6: ['fd00::1'] },
      { dns: { port: 15053, servers: ['10.0.0.1', 'fd00::1'] } },
    ],
    ['every server', { redirectDNS: true, captureAllDNS: true }, { dns: { port: 15053, servers: 'all' } }],
    [
      'loopback sources',
      { loopbackSourceV4: '127.0.0.7', loopbackSourceV6: '::1', loading: 'replace' },
      { loopbackSource: { v4: '127.0.0.7', v6: '::1' }, loading: 'replace' },
    ],
  ])('%s', (_, value, expected) => {
    expect(intentOf(value)).toMatchObject(expected);
  });
});

test.each<[unknown, RegExp]>([
  [{ proxyport: 1 }, /^proxyport: unknown key, did you mean "proxyPort"/],
  [{ proxyPort: '0' }, /^proxyPort: allowed: an integer from 1 to 65535$/],
  [{ proxyPort: 'x; reboot' }, /^proxyPort: /],
  [{ inboundPortsExclude: '*' }, /^inboundPortsExclude: "\*" is not allowed; allowed: a comma list of ports/],
  [{ outboundIPRangesExclude: '*' }, /^outboundIPRangesExclude: "\*" is not allowed/],
  [{ outboundIPRangesInclude: '10.0.0.0' }, /^outboundIPRangesInclude: "10\.0\.0\.0" is not allowed/],
  [{ excludeInterfaces: 'eth0 -j ACCEPT' }, /^excludeInterfaces: /],
  [{ interceptionMode: 'NONE' }, /^interceptionMode: allowed: REDIRECT, TPROXY/],
  [{ hostIPv4LoopbackCidr: '10.0.0.0/8' }, /^hostIPv4LoopbackCidr: allowed: a CIDR within 127/],
  [{ dnsServersV4: ['fd00::1'] }, /^dnsServersV4\[0\]: allowed: a list of IPv4 addresses/],
  [{ ownerGroupsInclude: Array.from({ length: 65 }, (_, index) => index).join(',') }, /^ownerGroupsInclude: .*64/],
  [{ ipv6: 'true' }, /^ipv6: /],
  [[], /expected object/],
])('refuses %j', (value, message) => {
  expect(problemsOf(value)).toEqual([expect.stringMatching(message)]);
});
