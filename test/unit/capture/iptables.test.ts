import { describe, expect, test } from '@jest/globals';
import type { CaptureIntent, Family } from '../../../src/capture/intent.ts';
import { renderIptables } from '../../../src/capture/iptables.ts';
import { captureIntent, port } from '../../support/builders/capture-intent.ts';

function rules(intent: CaptureIntent, family: Family = 'v4'): string[] {
  return renderIptables(intent, family)
    .split('\n')
    .filter((line) => line.startsWith('-'));
}

function rulesOf(chain: string, intent: CaptureIntent, family: Family = 'v4'): string[] {
  return rules(intent, family).filter((line) => line.startsWith(`-A ${chain} `));
}

describe('inbound', () => {
  test.each([
    [
      'all but the excluded ones',
      captureIntent({ inbound: { ports: 'all', excludePorts: [port(15020), { first: 9000, last: 9010 }] } }),
      [
        '-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN',
        '-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN',
        '-A ISTIO_INBOUND -p tcp --dport 9000:9010 -j RETURN',
        '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
      ],
    ],
    [
      'listed ports alone, exclusions without effect',
      captureIntent({ inbound: { ports: [port(80), { first: 8000, last: 8100 }], excludePorts: [port(80)] } }),
      [
        '-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN',
        '-A ISTIO_INBOUND -p tcp --dport 80 -j ISTIO_IN_REDIRECT',
        '-A ISTIO_INBOUND -p tcp --dport 8000:8100 -j ISTIO_IN_REDIRECT',
      ],
    ],
    ['none', captureIntent({ inbound: { ports: [] } }), ['-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN']],
  ])('%s', (_, intent, expected) => {
    expect(rulesOf('ISTIO_INBOUND', intent)).toEqual(expected);
  });

  test('nothing is looked at when nothing is captured', () => {
    expect(rulesOf('PREROUTING', captureIntent({ inbound: { ports: [] } }))).toEqual([]);
    expect(rulesOf('PREROUTING', captureIntent())).toEqual(['-A PREROUTING -p tcp -j ISTIO_INBOUND']);
  });
});

describe('outbound', () => {
  test('the order is ports, loopback and owners, address exclusions, listed ports, listed addresses', () => {
    const intent = captureIntent({
      outbound: {
        cidrs: ['10.0.0.0/8'],
        excludeCidrs: ['10.1.0.0/16'],
        ports: [port(443)],
        excludePorts: [{ first: 7000, last: 7001 }],
      },
    });
    expect(rulesOf('ISTIO_OUTPUT', intent)).toEqual([
      '-A ISTIO_OUTPUT -p tcp --dport 7000:7001 -j RETURN',
      '-A ISTIO_OUTPUT -p udp --dport 7000:7001 -j RETURN',
      '-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN',
      '-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT',
      '-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT',
      '-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN',
      '-A ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN',
      '-A ISTIO_OUTPUT -p tcp --dport 443 -j ISTIO_REDIRECT',
      '-A ISTIO_OUTPUT -d 10.0.0.0/8 -j ISTIO_REDIRECT',
    ]);
  });

  test.each<[Family, string[], string[]]>([
    ['v4', ['10.0.0.0/8', '192.168.0.0/16'], ['fd00::', '2001:db8']],
    ['v6', ['fd00::/8', '2001:db8::/32'], ['10.0', '192.168']],
  ])('%s gets the addresses of its family alone', (family, present, absent) => {
    const text = renderIptables(
      captureIntent({
        outbound: { cidrs: ['10.0.0.0/8', 'fd00::/8'], excludeCidrs: ['2001:db8::/32', '192.168.0.0/16'] },
      }),
      family,
    );
    for (const cidr of present) expect(text).toContain(`-d ${cidr} `);
    for (const part of absent) expect(text).not.toContain(part);
  });

  test.each([
    ['all', captureIntent(), '-A ISTIO_OUTPUT -j ISTIO_REDIRECT'],
    ['none', captureIntent({ outbound: { cidrs: [] } }), '-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN'],
  ])('addresses: %s', (_, intent, last) => {
    expect(rulesOf('ISTIO_OUTPUT', intent).at(-1)).toBe(last);
  });

  test.each<[string, Family, string, number]>([
    ['captured loopback', 'v4', '127.1.2.3/32', 0],
    ['captured loopback', 'v6', '0:0::1/128', 0],
    ['the other family', 'v6', '127.1.2.3/32', 2],
    ['an ordinary address', 'v4', '10.0.0.0/8', 2],
    ['an address that ends in 1', 'v6', 'fd00::1/128', 2],
  ])('with %s (%s %s) the application talking to itself passes by in %i rules', (_, family, cidr, count) => {
    const own = rules(captureIntent({ outbound: { cidrs: [cidr] } }), family).filter((line) =>
      /-o lo -m owner ! --[ug]id-owner 1337 -j RETURN/.test(line),
    );
    expect(own).toHaveLength(count);
  });

  test('every uid and gid gets three rules', () => {
    const owners = rules(captureIntent({ proxyUids: ['1337', '2000'], proxyGids: ['3000'] })).filter((line) =>
      line.includes('owner'),
    );
    expect(owners.map((line) => /--([ug]id-owner \d+)/.exec(line)?.[1])).toEqual(
      ['uid-owner 1337', 'uid-owner 2000', 'gid-owner 3000'].flatMap((owner) => [owner, owner, owner]),
    );
  });

  test('owner groups', () => {
    const intent = captureIntent({ outbound: { ownerGroups: ['202', 'java'], excludeOwnerGroups: ['888'] } });
    expect(rulesOf('ISTIO_OUTPUT', intent).slice(-4, -2)).toEqual([
      '-A ISTIO_OUTPUT -m owner ! --gid-owner 202 -m owner ! --gid-owner java -j RETURN',
      '-A ISTIO_OUTPUT -m owner --gid-owner 888 -j RETURN',
    ]);
  });
});

test('users to leave out pass by before the owner rules, whole or by port', () => {
  const intent = captureIntent({
    outbound: {
      excludeUsers: [
        { uid: '1000', ports: 'all' },
        { uid: '1001', ports: [port(443), { first: 8000, last: 8100 }] },
      ],
    },
  });
  expect(rulesOf('ISTIO_OUTPUT', intent).slice(0, 5)).toEqual([
    '-A ISTIO_OUTPUT -m owner --uid-owner 1000 -j RETURN',
    '-A ISTIO_OUTPUT -p tcp --dport 443 -m owner --uid-owner 1001 -j RETURN',
    '-A ISTIO_OUTPUT -p udp --dport 443 -m owner --uid-owner 1001 -j RETURN',
    '-A ISTIO_OUTPUT -p tcp --dport 8000:8100 -m owner --uid-owner 1001 -j RETURN',
    '-A ISTIO_OUTPUT -p udp --dport 8000:8100 -m owner --uid-owner 1001 -j RETURN',
  ]);
});

test('every DNS server is captured in its own family, by both protocols', () => {
  const intent = captureIntent({ dns: { port: 15053, servers: ['10.0.0.10', 'fd00::10'] } });
  expect(rulesOf('ISTIO_OUTPUT_DNS', intent, 'v6').slice(0, 2)).toEqual([
    '-A ISTIO_OUTPUT_DNS -p tcp --dport 53 -d fd00::10/128 -j REDIRECT --to-ports 15053',
    '-A ISTIO_OUTPUT_DNS -p udp --dport 53 -d fd00::10/128 -j REDIRECT --to-port 15053',
  ]);
  expect(renderIptables(intent, 'v4')).not.toContain('fd00::10');
});

test('mode TPROXY takes listed inbound ports in table mangle and none in table nat', () => {
  const intent = captureIntent({ mode: 'TPROXY', inbound: { ports: [port(80)] } });
  const text = renderIptables(intent, 'v4');
  expect(text.match(/^\*\w+/gm)).toEqual(['*mangle', '*nat']);
  expect(rulesOf('ISTIO_INBOUND', intent)).toEqual([
    '-A ISTIO_INBOUND -p tcp --dport 80 -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT',
    '-A ISTIO_INBOUND -p tcp --dport 80 -j ISTIO_TPROXY',
    '-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN',
  ]);
});

test('invalid packets are dropped on request', () => {
  expect(rules(captureIntent({ dropInvalid: true })).slice(0, 2)).toEqual([
    '-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP',
    '-A ISTIO_DROP -j DROP',
  ]);
});

test('the v6 loopback source passes by before any rule that looks at ::1 as a destination', () => {
  const output = rulesOf('ISTIO_OUTPUT', captureIntent(), 'v6');
  expect(output[0]).toBe('-A ISTIO_OUTPUT -o lo -s ::6/128 -j RETURN');
  expect(output.findIndex((line) => line.includes('! -d ::1/128'))).toBe(1);
});

test('interfaces: exclusions stand before everything, rerouted ones before those', () => {
  const intent = captureIntent({ excludeInterfaces: ['eth9'], rerouteInterfaces: ['tap0'] });
  const lines = rules(intent);
  // Marked, because others may have the same.
  expect(lines.slice(0, 3)).toEqual([
    '-A PREROUTING -i eth9 -m comment --comment ISTIO_CAPTURE -j RETURN',
    '-A OUTPUT -o eth9 -m comment --comment ISTIO_CAPTURE -j RETURN',
    '-I PREROUTING 1 -i tap0 -m comment --comment ISTIO_CAPTURE -j RETURN',
  ]);
  expect(rules({ ...intent, comment: undefined })).toContain('-A PREROUTING -i eth9 -j RETURN');
  expect(lines.at(-1)).toBe('-I PREROUTING 1 -i tap0 -j ISTIO_REDIRECT');
});

test('all chains of the table are named, so that loading replaces what was there', () => {
  expect(renderIptables(captureIntent(), 'v4').match(/^:\w+/gm)).toEqual(
    [
      'PREROUTING',
      'INPUT',
      'OUTPUT',
      'POSTROUTING',
      'ISTIO_INBOUND',
      'ISTIO_REDIRECT',
      'ISTIO_IN_REDIRECT',
      'ISTIO_OUTPUT',
    ].map((chain) => `:${chain}`),
  );
});

test.each([
  ['excludeInterfaces', captureIntent({ excludeInterfaces: ['eth0\n-A OUTPUT -j ACCEPT'] }), /interfaces/],
  ['outbound.cidrs', captureIntent({ outbound: { cidrs: ['10.0.0.0/8 -j ACCEPT'] } }), /destination address/],
  ['proxyUids', captureIntent({ proxyUids: [''] }), /user/],
])('refuses what cannot stand in a rule: %s', (_, intent, message) => {
  expect(() => renderIptables(intent, 'v4')).toThrow(
    expect.objectContaining({ name: 'UnsupportedCaptureError', message: expect.stringMatching(message) }),
  );
});
