import type { CaptureIntent, Family, PortRange } from './intent.ts';
import { cidrsOf, capturesLoopback, portText, requireRedirect, ruleWord } from './rule-text.ts';

const table = 'inet istio_capture';
const families: readonly Family[] = ['v4', 'v6'];
const protocol = { v4: 'ip', v6: 'ip6' } as const;

function portSet(ranges: readonly PortRange[]): string {
  return `{ ${ranges.map((range) => portText(range, '-')).join(', ')} }`;
}

function perFamily(intent: CaptureIntent, line: (family: Family) => readonly string[]): string[] {
  return families.filter((family) => intent.families.includes(family)).flatMap(line);
}

/** With one family alone the table, which sees both, lets the other one pass. */
function familyGuard(intent: CaptureIntent): string[] {
  return families
    .filter((family) => !intent.families.includes(family))
    .map((family) => `meta nfproto ${family === 'v4' ? 'ipv4' : 'ipv6'} return`);
}

function quoted(field: string, name: string): string {
  return `"${ruleWord(field, name)}"`;
}

function prerouting(intent: CaptureIntent): string[] {
  const { inbound, outbound } = intent;
  const rules = familyGuard(intent);
  for (const name of intent.rerouteInterfaces.toReversed()) {
    const from = `iifname ${quoted('rerouteInterfaces', name)}`;
    if (outbound.cidrs === 'all') rules.push(`${from} meta l4proto tcp redirect to :${intent.outboundPort}`);
    else
      rules.push(
        ...destinations(intent, outbound.cidrs, `meta l4proto tcp redirect to :${intent.outboundPort}`).map(
          (rule) => `${from} ${rule}`,
        ),
      );
    rules.push(`${from} return`);
  }
  rules.push(...intent.excludeInterfaces.map((name) => `iifname ${quoted('excludeInterfaces', name)} return`));
  if (inbound.ports !== 'all') {
    rules.push(`tcp dport ${intent.tunnelPort} return`);
    if (inbound.ports.length > 0) rules.push(`tcp dport ${portSet(inbound.ports)} redirect to :${intent.inboundPort}`);
    return rules;
  }
  const tunnel = { first: intent.tunnelPort, last: intent.tunnelPort };
  rules.push(...[tunnel, ...inbound.excludePorts].map((range) => `tcp dport ${portText(range, '-')} return`));
  rules.push(`meta l4proto tcp redirect to :${intent.inboundPort}`);
  return rules;
}

function destinations(intent: CaptureIntent, cidrs: readonly string[], verdict: string): string[] {
  return perFamily(intent, (family) =>
    cidrsOf(cidrs, family).map((cidr) => `${protocol[family]} daddr ${ruleWord('cidrs', cidr)} ${verdict}`),
  );
}

function ownerRules(intent: CaptureIntent): string[] {
  const triple = (match: 'skuid' | 'skgid', owner: string): string[] => [
    ...perFamily(intent, (family) => [
      `oifname "lo" ${protocol[family]} daddr != ${intent.loopbackCidr[family]} tcp dport != ${intent.tunnelPort} meta ${match} ${ruleWord('proxyUids and proxyGids', owner)} redirect to :${intent.inboundPort}`,
    ]),
    ...perFamily(intent, (family) =>
      capturesLoopback(intent, family)
        ? []
        : [`oifname "lo" meta nfproto ${family === 'v4' ? 'ipv4' : 'ipv6'} meta ${match} != ${owner} return`],
    ),
    `meta ${match} ${owner} return`,
  ];
  return [
    ...intent.proxyUids.flatMap((uid) => triple('skuid', uid)),
    ...intent.proxyGids.flatMap((gid) => triple('skgid', gid)),
  ];
}

function ownerGroupRules({ outbound }: CaptureIntent): string[] {
  const { ownerGroups = 'all', excludeOwnerGroups = [] } = outbound;
  const none =
    ownerGroups === 'all' ? [] : ownerGroups.map((group) => `meta skgid != ${ruleWord('ownerGroups', group)} `);
  return [
    ...(ownerGroups === 'all' ? [] : [`${none.join('')}return`]),
    ...excludeOwnerGroups.map((group) => `meta skgid ${ruleWord('excludeOwnerGroups', group)} return`),
  ];
}

function output(intent: CaptureIntent): string[] {
  const { outbound } = intent;
  const redirect = `redirect to :${intent.outboundPort}`;
  const rules = [
    ...familyGuard(intent),
    ...intent.excludeInterfaces.map((name) => `oifname ${quoted('excludeInterfaces', name)} return`),
    ...outbound.excludePorts.map((range) => `tcp dport ${portText(range, '-')} return`),
    ...perFamily(intent, (family) => [
      `oifname "lo" ${protocol[family]} saddr ${intent.loopbackSource[family]} return`,
    ]),
    ...ownerRules(intent),
    ...ownerGroupRules(intent),
    ...perFamily(intent, (family) => [`${protocol[family]} daddr ${intent.loopbackCidr[family]} return`]),
    ...destinations(intent, outbound.excludeCidrs, 'return'),
  ];
  if (outbound.ports.length > 0) rules.push(`tcp dport ${portSet(outbound.ports)} ${redirect}`);
  if (outbound.cidrs === 'all') rules.push(`meta l4proto tcp ${redirect}`);
  else rules.push(...destinations(intent, outbound.cidrs, `meta l4proto tcp ${redirect}`));
  return rules;
}

function chain(name: string, hook: string, rules: readonly string[]): string {
  return [`  chain ${name} {`, `    ${hook}`, ...rules.map((rule) => `    ${rule}`), '  }'].join('\n');
}

/**
 * Input of `nft -f`: one table of its own for both families. The three statements are one transaction, so loading it
 * again is harmless and no other table is touched. It decides exactly like the iptables rules of the same intent.
 *
 * @throws UnsupportedCaptureError for mode TPROXY, and for a word that cannot stand in a rule
 */
export function renderNftables(intent: CaptureIntent): string {
  requireRedirect(intent);
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    chain('prerouting', 'type nat hook prerouting priority -100; policy accept;', prerouting(intent)),
    // The number, because this hook refuses the word that stands for it.
    chain('output', 'type nat hook output priority -100; policy accept;', output(intent)),
    '}',
    '',
  ].join('\n');
}
