import { onePort } from '../grammar/port-range.ts';
import type { CaptureIntent, Family } from './intent.ts';
import { bothFamilies, cidrsOf } from './rule-text.ts';
import {
  chains,
  inTable,
  jump,
  proxyOwners,
  says,
  tcp,
  toPort,
  udp,
  type Match,
  type Rule,
  type Target,
} from './rule.ts';

/** DNS servers of one family, each as the CIDR of its address; `undefined` means any server. */
function dnsServers({ dns }: CaptureIntent, family: Family): readonly (string | undefined)[] {
  if (dns === undefined) return [];
  if (dns.servers === 'all') return [undefined];
  return cidrsOf(dns.servers, family).map((server) => `${server}/${family === 'v4' ? 32 : 128}`);
}

/** Rules of table `nat` that redirect the application's queries to the proxy's DNS server. */
export function redirectQueries(intent: CaptureIntent): Rule[] {
  const { dns } = intent;
  if (dns === undefined) return [];
  const named = dns.servers === 'all' ? 'any server' : dns.servers.join(', ');
  const words = says('DNS queries', named, `answered by the proxy, on ${dns.port}`);
  return bothFamilies.flatMap((family) => {
    const servers = dnsServers(intent, family);
    if (servers.length === 0) return [];
    const nat = inTable('nat', family);
    const queries = (protocol: Match): Rule[] =>
      servers.map((cidr) =>
        nat(chains.outputDns, [protocol, toPort(53), ...at('destination', cidr)], { to: 'redirect', port: dns.port }),
      );
    return [nat(chains.output, [], jump(chains.outputDns), { words }), ...queries(tcp), ...queries(udp)];
  });
}

function at(by: 'source' | 'destination', cidr: string | undefined): Match[] {
  return cidr === undefined ? [] : [{ by, cidr }];
}

/**
 * Rules of table `raw`. They track queries of the proxy and of the application in different conntrack zones, so that
 * responses cannot be confused.
 */
export function rawRules(intent: CaptureIntent): Rule[] {
  const { dns } = intent;
  if (dns === undefined) return [];
  const raw = inTable('raw');
  const proxyZone: Target = { to: 'zone', zone: 1 };
  const applicationZone: Target = { to: 'zone', zone: 2 };
  const answers: Match = { by: 'source port', range: onePort(dns.port) };
  const fromServer: Match = { by: 'source port', range: onePort(53) };
  return [
    raw('OUTPUT', [], jump(chains.outputDns)),
    ...proxyOwners(intent).flatMap((owner) => [
      raw(chains.outputDns, [udp, toPort(53), owner], proxyZone),
      raw(chains.outputDns, [udp, answers, owner], applicationZone),
    ]),
    ...bothFamilies.flatMap((family) => {
      const servers = dnsServers(intent, family);
      if (servers.length === 0) return [];
      const one = inTable('raw', family);
      return [
        one('PREROUTING', [], jump(chains.inbound)),
        ...servers.flatMap((cidr) => [
          one(chains.outputDns, [udp, toPort(53), ...at('destination', cidr)], applicationZone),
          one(chains.inbound, [udp, fromServer, ...at('source', cidr)], proxyZone),
        ]),
      ];
    }),
  ];
}
