import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { CaptureIntent, PortRange } from '../../../src/capture/intent.ts';
import { renderIptables } from '../../../src/capture/iptables.ts';
import { captureIntent, port } from '../../support/capture-intent.ts';

/*
 * Istio's own capture tests. Compared are, table by table, the chains and the ordered rules. Deliberate differences:
 *  - ours names the built-in chains as well, because it replaces the table instead of adding to it;
 *  - with captured loopback destinations in one family only, the other family keeps its two loopback rules.
 */
const folder = resolve(
  import.meta.dirname,
  '../../..',
  process.env['ISTIO_GOLDENS'] ?? '../shared/istio-goldens',
  'capture',
);

interface Settings {
  readonly proxyPort: string;
  readonly inboundCapturePort: string;
  readonly inboundTunnelPort: string;
  readonly proxyUID: string;
  readonly proxyGID: string;
  readonly ownerGroupsInclude: string;
  readonly ownerGroupsExclude?: string;
  readonly hostIPv4LoopbackCidr: string;
  readonly inboundPortsInclude: string;
  readonly inboundPortsExclude: string;
  readonly outboundPortsInclude?: string;
  readonly outboundPortsExclude?: string;
  readonly outboundIPRangesInclude: string;
  readonly outboundIPRangesExclude: string;
  readonly excludeInterfaces?: string;
  readonly rerouteVirtualInterfaces?: string;
  readonly interceptionMode: string;
  readonly ipv6: boolean;
  readonly redirectDNS?: boolean;
  readonly dnsServersV4?: readonly string[];
  readonly dropInvalid?: boolean;
}

interface Cases {
  readonly count: number;
  readonly base: Settings;
  readonly cases: readonly { readonly name: string; readonly settings: Partial<Settings>; readonly expected: string }[];
}

function items(list: string | undefined): string[] {
  return (list ?? '').split(',').filter((item) => item !== '');
}

function portsOf(list: string | undefined): PortRange[] {
  return items(list).map((item) => port(Number(item)));
}

function intentOf(settings: Settings): CaptureIntent {
  return captureIntent({
    families: settings.ipv6 ? ['v4', 'v6'] : ['v4'],
    outboundPort: Number(settings.proxyPort),
    inboundPort: Number(settings.inboundCapturePort),
    tunnelPort: Number(settings.inboundTunnelPort),
    loopbackSource: { v4: '127.0.0.6', v6: '::6' },
    loopbackCidr: { v4: settings.hostIPv4LoopbackCidr, v6: '::1/128' },
    proxyUids: items(settings.proxyUID),
    proxyGids: items(settings.proxyGID),
    inbound: {
      ports: settings.inboundPortsInclude === '*' ? 'all' : portsOf(settings.inboundPortsInclude),
      excludePorts: portsOf(settings.inboundPortsExclude),
    },
    outbound: {
      cidrs: settings.outboundIPRangesInclude === '*' ? 'all' : items(settings.outboundIPRangesInclude),
      excludeCidrs: items(settings.outboundIPRangesExclude),
      ports: portsOf(settings.outboundPortsInclude),
      excludePorts: portsOf(settings.outboundPortsExclude),
      ownerGroups: settings.ownerGroupsInclude === '*' ? 'all' : items(settings.ownerGroupsInclude),
      excludeOwnerGroups: items(settings.ownerGroupsExclude),
    },
    excludeInterfaces: items(settings.excludeInterfaces),
    rerouteInterfaces: items(settings.rerouteVirtualInterfaces),
  });
}

interface Table {
  readonly name: string;
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

/** Tables of a restore input, whichever way it makes its chains. */
function tablesOf(text: string): Table[] {
  const tables: { name: string; chains: string[]; rules: string[] }[] = [];
  for (const line of text.split('\n')) {
    const name = /^\*\s*(\w+)/.exec(line)?.[1];
    if (name !== undefined) tables.push({ name, chains: [], rules: [] });
    const chain = /^(?:-N |:)(ISTIO_\w+)/.exec(line)?.[1];
    if (chain !== undefined) tables.at(-1)?.chains.push(chain);
    if (/^-[AI] /.test(line)) tables.at(-1)?.rules.push(line);
  }
  return tables.map(({ name, chains, rules }) => ({ name, chains: chains.toSorted(), rules }));
}

/** What the renderings cannot do yet, or undefined. DNS capture without a server of the family is none. */
function missing(settings: Settings): string | undefined {
  if (settings.interceptionMode === 'TPROXY') return 'TPROXY';
  if (settings.redirectDNS === true && (settings.dnsServersV4 ?? []).length > 0) return 'DNS capture';
  return settings.dropInvalid === true ? 'dropping invalid packets' : undefined;
}

if (!existsSync(resolve(folder, 'cases.json'))) {
  process.stderr.write(
    `NOT RUN: no Istio capture goldens in ${folder}; set ISTIO_GOLDENS to the folder that has them\n`,
  );
  test.skip('Istio capture goldens (folder absent)', () => undefined);
} else {
  const data = JSON.parse(readFileSync(resolve(folder, 'cases.json'), 'utf8')) as Cases;
  const all = data.cases.map(({ name, settings, expected }) => ({
    name,
    settings: { ...data.base, ...settings },
    expected,
  }));
  const possible = all.filter(({ settings }) => missing(settings) === undefined);

  describe(`Istio capture goldens, ${possible.length} of ${data.count}`, () => {
    test.each(possible)('$name', ({ settings, expected }) => {
      const intent = intentOf(settings);
      const ours = intent.families.map((family) => renderIptables(intent, family)).join('');
      expect(tablesOf(ours)).toEqual(tablesOf(readFileSync(resolve(folder, expected), 'utf8')));
    });

    test('what is left out is left out for a reason', () => {
      const left = all.filter((one) => !possible.includes(one));
      expect(left.map(({ name, settings }) => `${name}: ${missing(settings)}`)).toEqual([
        'inbound-ports-wildcard-tproxy: TPROXY',
        'tproxy: TPROXY',
        'loopback-outbound-iprange: DNS capture',
      ]);
    });
  });

  for (const { name, settings } of all.filter((one) => !possible.includes(one))) {
    test.todo(`${name} needs ${missing(settings)}`);
  }
}
