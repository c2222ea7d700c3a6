import { describe, expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { renderNftables } from '../../../src/capture/nftables.ts';
import { captureIntent, port } from '../../support/capture-intent.ts';

function chain(name: 'prerouting' | 'output', intent: CaptureIntent): string[] {
  const body =
    new RegExp(`chain ${name} \\{([^}]*(?:\\{[^}]*\\}[^}]*)*)\\n  \\}`).exec(renderNftables(intent))?.[1] ?? '';
  return body
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('type '));
}

test('one transaction that replaces its own table', () => {
  expect(renderNftables(captureIntent()).split('\n').slice(0, 3)).toEqual([
    'add table inet istio_capture',
    'delete table inet istio_capture',
    'table inet istio_capture {',
  ]);
});

describe('prerouting', () => {
  test.each([
    [
      'all but excluded ports',
      captureIntent({ inbound: { excludePorts: [port(15020), { first: 9000, last: 9010 }] } }),
      [
        'tcp dport 15008 return',
        'tcp dport 15020 return',
        'tcp dport 9000-9010 return',
        'meta l4proto tcp redirect to :15006',
      ],
    ],
    [
      'listed ports',
      captureIntent({ inbound: { ports: [port(80), { first: 8000, last: 8100 }] } }),
      ['tcp dport 15008 return', 'tcp dport { 80, 8000-8100 } redirect to :15006'],
    ],
    ['no ports', captureIntent({ inbound: { ports: [] } }), ['tcp dport 15008 return']],
  ])('%s', (_, intent, expected) => {
    expect(chain('prerouting', intent)).toEqual(expected);
  });

  test('rerouted interfaces come first, then excluded ones', () => {
    const intent = captureIntent({ excludeInterfaces: ['eth9'], rerouteInterfaces: ['tap0'] });
    expect(chain('prerouting', intent).slice(0, 3)).toEqual([
      'iifname "tap0" meta l4proto tcp redirect to :15001',
      'iifname "tap0" return',
      'iifname "eth9" return',
    ]);
    expect(chain('output', intent)[0]).toBe('oifname "eth9" return');
  });
});

test('output decides in the order of the iptables rules, for both families', () => {
  const intent = captureIntent({
    outbound: {
      cidrs: ['10.0.0.0/8', 'fd00::/8'],
      excludeCidrs: ['10.1.0.0/16'],
      ports: [port(443)],
      excludePorts: [port(7000)],
    },
  });
  expect(chain('output', intent).filter((line) => !line.includes('skgid'))).toEqual([
    'tcp dport 7000 return',
    'oifname "lo" ip saddr 127.0.0.6 return',
    'oifname "lo" ip6 saddr ::6 return',
    'oifname "lo" ip daddr != 127.0.0.1/32 tcp dport != 15008 meta skuid 1337 redirect to :15006',
    'oifname "lo" ip6 daddr != ::1/128 tcp dport != 15008 meta skuid 1337 redirect to :15006',
    'oifname "lo" meta nfproto ipv4 meta skuid != 1337 return',
    'oifname "lo" meta nfproto ipv6 meta skuid != 1337 return',
    'meta skuid 1337 return',
    'ip daddr 127.0.0.1/32 return',
    'ip6 daddr ::1/128 return',
    'ip daddr 10.1.0.0/16 return',
    'tcp dport { 443 } redirect to :15001',
    'ip daddr 10.0.0.0/8 meta l4proto tcp redirect to :15001',
    'ip6 daddr fd00::/8 meta l4proto tcp redirect to :15001',
  ]);
});

test('with one family the other one passes by', () => {
  const intent = captureIntent({ families: ['v4'] });
  expect(chain('output', intent)[0]).toBe('meta nfproto ipv6 return');
  expect(chain('prerouting', intent)[0]).toBe('meta nfproto ipv6 return');
  expect(renderNftables(intent)).not.toContain('ip6 ');
});

test.each([
  ['mode', captureIntent({ mode: 'TPROXY' })],
  ['excludeInterfaces', captureIntent({ excludeInterfaces: ['a" accept'] })],
  ['cidrs', captureIntent({ outbound: { excludeCidrs: ['10.0.0.0/8;'] } })],
])('refuses %s', (field, intent) => {
  expect(() => renderNftables(intent)).toThrow(expect.objectContaining({ name: 'UnsupportedCaptureError', field }));
});
