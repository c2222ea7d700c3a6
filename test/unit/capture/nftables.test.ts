import { describe, expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { renderNftables } from '../../../src/capture/nftables.ts';
import { captureIntent, port } from '../../support/builders/capture-intent.ts';

/** Lines of one chain, without the one that says when the kernel calls it. */
function chain(name: string, intent: CaptureIntent): string[] {
  const lines = renderNftables(intent).split('\n');
  const start = lines.indexOf(`  chain ${name} {`);
  return lines
    .slice(start + 1, lines.indexOf('  }', start))
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('type '));
}

test('one transaction that replaces its own table', () => {
  expect(renderNftables(captureIntent()).split('\n').slice(0, 3)).toEqual([
    'add table inet istio_capture',
    'delete table inet istio_capture',
    'table inet istio_capture {',
  ]);
});

describe('inbound', () => {
  test.each([
    [
      'all but excluded ports',
      captureIntent({ inbound: { excludePorts: [port(15020), { first: 9000, last: 9010 }] } }),
      [
        'tcp dport 15008 return',
        'tcp dport 15020 return',
        'tcp dport 9000-9010 return',
        'meta l4proto tcp jump nat_istio_in_redirect',
      ],
    ],
    [
      'listed ports',
      captureIntent({ inbound: { ports: [port(80), { first: 8000, last: 8100 }] } }),
      [
        'tcp dport 15008 return',
        'tcp dport 80 jump nat_istio_in_redirect',
        'tcp dport 8000-8100 jump nat_istio_in_redirect',
      ],
    ],
    ['no ports', captureIntent({ inbound: { ports: [] } }), ['tcp dport 15008 return']],
  ])('%s', (_, intent, expected) => {
    expect(chain('nat_istio_inbound', intent)).toEqual(expected);
  });

  test('insertions have taken their places: rerouted interfaces first, the last one at the head', () => {
    const intent = captureIntent({ excludeInterfaces: ['eth9'], rerouteInterfaces: ['tap0', 'tap1'] });
    expect(chain('nat_prerouting', intent)).toEqual([
      'iifname "tap1" jump nat_istio_redirect',
      'iifname "tap0" jump nat_istio_redirect',
      'iifname "tap1" return',
      'iifname "tap0" return',
      'iifname "eth9" return',
      'meta l4proto tcp jump nat_istio_inbound',
    ]);
    expect(chain('nat_output', intent)).toEqual(['oifname "eth9" return', 'jump nat_istio_output']);
  });

  test('with mode TPROXY a packet without a listener is dropped, as iptables does, and not let past the proxy', () => {
    expect(chain('mangle_istio_tproxy', captureIntent({ mode: 'TPROXY', families: ['v4'] }))).toEqual([
      'ip daddr != 127.0.0.1/32 meta l4proto tcp meta mark set 1337 tproxy ip to :15006 accept',
      'ip daddr != 127.0.0.1/32 meta l4proto tcp drop',
    ]);
  });
});

test('outbound decides in the order of the iptables rules, for both families', () => {
  const intent = captureIntent({
    proxyGids: [],
    outbound: {
      cidrs: ['10.0.0.0/8', 'fd00::/8'],
      excludeCidrs: ['10.1.0.0/16'],
      ports: [port(443)],
      excludePorts: [port(7000)],
    },
  });
  expect(chain('nat_istio_output', intent)).toEqual([
    'tcp dport 7000 return',
    'udp dport 7000 return',
    'oifname "lo" ip saddr 127.0.0.6/32 return',
    'oifname "lo" ip6 saddr ::6/128 return',
    'oifname "lo" ip daddr != 127.0.0.1/32 tcp dport != 15008 meta skuid 1337 jump nat_istio_in_redirect',
    'oifname "lo" ip6 daddr != ::1/128 tcp dport != 15008 meta skuid 1337 jump nat_istio_in_redirect',
    'oifname "lo" meta skuid != 1337 return',
    'meta skuid 1337 return',
    'ip daddr 127.0.0.1/32 return',
    'ip daddr 10.1.0.0/16 return',
    'ip6 daddr ::1/128 return',
    'tcp dport 443 jump nat_istio_redirect',
    'ip daddr 10.0.0.0/8 jump nat_istio_redirect',
    'ip6 daddr fd00::/8 jump nat_istio_redirect',
  ]);
});

test('with one family the other one passes by', () => {
  const intent = captureIntent({ families: ['v4'] });
  expect(chain('nat_output', intent)[0]).toBe('meta nfproto ipv6 return');
  expect(chain('nat_prerouting', intent)[0]).toBe('meta nfproto ipv6 return');
  expect(renderNftables(intent)).not.toContain('ip6 ');
});

test.each([
  ['interfaces', captureIntent({ excludeInterfaces: ['a" accept'] })],
  ['destination address', captureIntent({ outbound: { excludeCidrs: ['10.0.0.0/8;'] } })],
])('refuses %s', (field, intent) => {
  expect(() => renderNftables(intent)).toThrow(expect.objectContaining({ name: 'UnsupportedCaptureError', field }));
});
