import { expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { explainCapture } from '../../../src/capture/words.ts';
import { captureIntent, port } from '../../support/builders/capture-intent.ts';

function lines(intent: CaptureIntent): string[] {
  return explainCapture(intent).map((row) => `${row.direction} ${row.through}: ${row.what} [${row.match}]`);
}

test('a pod without annotations', () => {
  expect(lines(captureIntent())).toEqual([
    'inbound direct: TCP to the tunnel port [15008]',
    'inbound direct: TCP to an excluded port [15090, 15021, 15020]',
    'inbound proxy: TCP to any other port [any]',
    'inbound direct: UDP and everything else [any]',
    "outbound direct: the proxy's delivery to the application [from 127.0.0.6, ::6]",
    "outbound proxy: the proxy calling the pod's own address [uid 1337]",
    'outbound direct: the application talking to itself [loopback interface, IPv4 and IPv6, not uid 1337]',
    'outbound direct: other traffic of the proxy [uid 1337, gid 1337]',
    'outbound direct: traffic to loopback [127.0.0.1/32, ::1/128]',
    'outbound proxy: TCP to any other address [any]',
    'outbound direct: UDP and everything else [any]',
  ]);
});

test.each<[string, CaptureIntent, string[]]>([
  [
    'listed inbound ports',
    captureIntent({ inbound: { ports: [port(80), { first: 8000, last: 8100 }] } }),
    ['inbound proxy: TCP to a listed port [80, 8000-8100]', 'inbound direct: TCP to any other port [any]'],
  ],
  ['nothing inbound', captureIntent({ inbound: { ports: [] } }), ['inbound direct: TCP to any other port [any]']],
  [
    'addresses',
    captureIntent({ outbound: { cidrs: ['10.0.0.0/8'], excludeCidrs: ['10.1.0.0/16'], ports: [port(443)] } }),
    [
      'outbound direct: traffic to an excluded address [10.1.0.0/16]',
      'outbound proxy: TCP to a listed port [443]',
      'outbound proxy: TCP to a listed address [10.0.0.0/8]',
      'outbound direct: TCP to any other address [any]',
    ],
  ],
  [
    'excluded ports and interfaces',
    captureIntent({ outbound: { excludePorts: [port(7000)] }, excludeInterfaces: ['eth9'] }),
    [
      'inbound direct: traffic of an excluded interface [eth9]',
      'outbound direct: traffic of an excluded interface [eth9]',
      'outbound direct: traffic to an excluded port [7000]',
    ],
  ],
  [
    'virtual interfaces',
    captureIntent({ rerouteInterfaces: ['tap0', 'tap1'] }),
    ['inbound proxy: TCP from a virtual interface to any address [tap0, tap1]'],
  ],
  [
    'one family',
    captureIntent({ families: ['v4'] }),
    ['inbound direct: IPv6 traffic [any]', 'outbound direct: IPv6 traffic [any]'],
  ],
  [
    'groups',
    captureIntent({ outbound: { ownerGroups: ['1', '2'], excludeOwnerGroups: ['3'] } }),
    [
      'outbound direct: processes of any other group [all but 1, 2]',
      'outbound direct: processes of an excluded group [3]',
    ],
  ],
  [
    'users',
    captureIntent({
      outbound: {
        excludeUsers: [
          { uid: '7', ports: 'all' },
          { uid: '8', ports: [port(443), { first: 9000, last: 9001 }] },
        ],
      },
    }),
    ['outbound direct: traffic of an excluded user [uid 7, uid 8 to 443, 9000-9001]'],
  ],
  [
    'DNS',
    captureIntent({ dns: { port: 15053, servers: ['10.0.0.10'] } }),
    ['outbound proxy: DNS queries [10.0.0.10]', "outbound proxy: the proxy calling the pod's own address [gid 1337]"],
  ],
  [
    'mode TPROXY, where the tunnel port is a port like any other',
    captureIntent({ mode: 'TPROXY', inbound: { excludePorts: [] } }),
    ['inbound proxy: TCP to any other port [any]'],
  ],
])('%s', (_, intent, expected) => {
  expect(lines(intent)).toEqual(expect.arrayContaining(expected));
});

test('captured loopback is not said to stay inside the pod', () => {
  const text = lines(captureIntent({ outbound: { cidrs: ['127.1.0.0/16'] } })).join('\n');
  expect(text).toContain('the application talking to itself [loopback interface, IPv6, not uid 1337]');
});

test('every row says why', () => {
  for (const row of explainCapture(captureIntent())) expect(row.why).not.toBe('');
});
