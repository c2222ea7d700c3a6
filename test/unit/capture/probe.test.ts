import { expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { probeOf } from '../../../src/capture/probe.ts';
import { captureIntent, port } from '../../support/builders/capture-intent.ts';

test.each<[string, CaptureIntent, string, string]>([
  ['everything', captureIntent(), '192.0.2.1 15002', '2001:db8::1 15002'],
  ['a listed port', captureIntent({ outbound: { cidrs: [], ports: [port(443)] } }), '192.0.2.1 443', '2001:db8::1 443'],
  [
    'a listed address of the family',
    captureIntent({ outbound: { cidrs: ['127.0.0.0/8', '10.1.2.3/8', 'fd00::7/8'] } }),
    '10.1.2.3 15002',
    'fd00::7 15002',
  ],
  [
    'the first listed address that is not excluded',
    captureIntent({ outbound: { cidrs: ['10.1.0.0/16', '10.2.0.0/16'], excludeCidrs: ['10.1.0.0/16'] } }),
    '10.2.0.0 15002',
    'none',
  ],
  [
    'the place nobody is at, excluded',
    captureIntent({ outbound: { excludeCidrs: ['192.0.2.0/24'] } }),
    'none',
    '2001:db8::1 15002',
  ],
  ['nothing outbound', captureIntent({ outbound: { cidrs: [] } }), 'none', 'none'],
  ['an address of all zeros', captureIntent({ outbound: { cidrs: ['0.0.0.0/8', '::/8'] } }), 'none', 'none'],
  ['groups without root', captureIntent({ outbound: { ownerGroups: ['7'] } }), 'none', 'none'],
  ['users but root', captureIntent({ outbound: { excludeUsers: [{ uid: '0', ports: 'all' }] } }), 'none', 'none'],
  [
    'interfaces left out: the way out may be one of them',
    captureIntent({ excludeInterfaces: ['net1'] }),
    'none',
    'none',
  ],
])('%s', (_, intent, v4, v6) => {
  const text = (family: 'v4' | 'v6'): string => {
    const probe = probeOf(intent, family);
    return probe === undefined ? 'none' : `${probe.address} ${probe.port}`;
  };
  expect([text('v4'), text('v6')]).toEqual([v4, v6]);
});
