import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { renderIptables } from '../../../src/capture/iptables.ts';
import { captureIntent, port } from '../../support/builders/capture-intent.ts';

// The expected files were read rule by rule; change them by hand and with the reason in the commit.
const cases: readonly [string, CaptureIntent][] = [
  ['default', captureIntent()],
  ['v4-only', captureIntent({ families: ['v4'] })],
  [
    'inbound-listed',
    captureIntent({ inbound: { ports: [port(8080), { first: 9000, last: 9100 }], excludePorts: [port(8080)] } }),
  ],
  ['inbound-none', captureIntent({ inbound: { ports: [] } })],
  [
    'outbound-ports',
    captureIntent({
      outbound: { ports: [port(80), port(443)], cidrs: [], excludePorts: [{ first: 7000, last: 7010 }] },
    }),
  ],
  [
    'outbound-addresses',
    captureIntent({
      outbound: {
        cidrs: ['10.0.0.0/8', 'fd00::/8'],
        excludeCidrs: ['10.1.2.0/24', 'fd00:1::/64', '169.254.169.254/32'],
      },
    }),
  ],
  ['outbound-none', captureIntent({ outbound: { cidrs: [] } })],
  ['interfaces', captureIntent({ excludeInterfaces: ['net1'], rerouteInterfaces: ['tap0', 'tap1'] })],
  ['other-user', captureIntent({ proxyUids: ['2000', '2001'], proxyGids: ['3000'] })],
];

const rendered = cases.flatMap(([name, intent]) =>
  intent.families.map((family) => ({ name: `${name}.${family}`, text: renderIptables(intent, family) })),
);

test.each(rendered)('$name', ({ name, text }) => {
  expect(text).toBe(readFileSync(new URL(`expected/${name}.rules`, import.meta.url), 'utf8'));
});
