import type { CaptureIntent, Family } from './intent.ts';
import { capturesLoopback, cidrsOf, loopbackSourceCidr, portText, requireRedirect, ruleWord } from './rule-text.ts';

/** Built-in chains are named too, so that a load empties them; Istio's names and order for the others. */
const head = [
  '*nat',
  ':PREROUTING ACCEPT [0:0]',
  ':INPUT ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':POSTROUTING ACCEPT [0:0]',
  ':ISTIO_INBOUND - [0:0]',
  ':ISTIO_REDIRECT - [0:0]',
  ':ISTIO_IN_REDIRECT - [0:0]',
  ':ISTIO_OUTPUT - [0:0]',
];

function interfaceRules(intent: CaptureIntent): string[] {
  const excluded = intent.excludeInterfaces.flatMap((name) => [
    `-A PREROUTING -i ${ruleWord('excludeInterfaces', name)} -j RETURN`,
    `-A OUTPUT -o ${name} -j RETURN`,
  ]);
  // Inserted at the head: a later insertion stands before an earlier one, so redirections win over these.
  const rerouted = intent.rerouteInterfaces.map(
    (name) => `-I PREROUTING 1 -i ${ruleWord('rerouteInterfaces', name)} -j RETURN`,
  );
  return [...excluded, ...rerouted];
}

function targetRules(intent: CaptureIntent): string[] {
  return [
    `-A ISTIO_INBOUND -p tcp --dport ${intent.tunnelPort} -j RETURN`,
    `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${intent.outboundPort}`,
    `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${intent.inboundPort}`,
  ];
}

function inboundRules({ inbound }: CaptureIntent): string[] {
  if (inbound.ports !== 'all') {
    if (inbound.ports.length === 0) return [];
    return [
      '-A PREROUTING -p tcp -j ISTIO_INBOUND',
      ...inbound.ports.map((range) => `-A ISTIO_INBOUND -p tcp --dport ${portText(range, ':')} -j ISTIO_IN_REDIRECT`),
    ];
  }
  return [
    '-A PREROUTING -p tcp -j ISTIO_INBOUND',
    ...inbound.excludePorts.map((range) => `-A ISTIO_INBOUND -p tcp --dport ${portText(range, ':')} -j RETURN`),
    '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
  ];
}

function outboundPortExclusions({ outbound }: CaptureIntent): string[] {
  return outbound.excludePorts.flatMap((range) => [
    `-A ISTIO_OUTPUT -p tcp --dport ${portText(range, ':')} -j RETURN`,
    `-A ISTIO_OUTPUT -p udp --dport ${portText(range, ':')} -j RETURN`,
  ]);
}

/**
 * The proxy's own traffic, one triple an owner: what it sends to the pod's own address goes through the inbound side
 * (a call to the pod's own Service), what the application sends to itself and everything else of the proxy passes by.
 * The middle rule is left out when loopback destinations are to be captured.
 */
function ownerRules(intent: CaptureIntent, family: Family): string[] {
  const self = `-A ISTIO_OUTPUT -o lo ! -d ${intent.loopbackCidr[family]} -p tcp ! --dport ${intent.tunnelPort}`;
  const triple = (match: '--uid-owner' | '--gid-owner', owner: string): string[] => [
    `${self} -m owner ${match} ${ruleWord('proxyUids and proxyGids', owner)} -j ISTIO_IN_REDIRECT`,
    ...(capturesLoopback(intent, family) ? [] : [`-A ISTIO_OUTPUT -o lo -m owner ! ${match} ${owner} -j RETURN`]),
    `-A ISTIO_OUTPUT -m owner ${match} ${owner} -j RETURN`,
  ];
  return [
    ...intent.proxyUids.flatMap((uid) => triple('--uid-owner', uid)),
    ...intent.proxyGids.flatMap((gid) => triple('--gid-owner', gid)),
  ];
}

function ownerGroupRules({ outbound }: CaptureIntent): string[] {
  const { ownerGroups = 'all', excludeOwnerGroups = [] } = outbound;
  const none =
    ownerGroups === 'all'
      ? ''
      : ownerGroups.map((group) => `-m owner ! --gid-owner ${ruleWord('ownerGroups', group)} `).join('');
  return [
    ...(ownerGroups === 'all' ? [] : [`-A ISTIO_OUTPUT ${none}-j RETURN`]),
    ...excludeOwnerGroups.map(
      (group) => `-A ISTIO_OUTPUT -m owner --gid-owner ${ruleWord('excludeOwnerGroups', group)} -j RETURN`,
    ),
  ];
}

function inclusions(intent: CaptureIntent, family: Family): string[] {
  const { outbound, rerouteInterfaces } = intent;
  const rules = outbound.ports.map(
    (range) => `-A ISTIO_OUTPUT -p tcp --dport ${portText(range, ':')} -j ISTIO_REDIRECT`,
  );
  if (outbound.cidrs === 'all') {
    rules.push('-A ISTIO_OUTPUT -j ISTIO_REDIRECT');
    rules.push(...rerouteInterfaces.map((name) => `-I PREROUTING 1 -i ${name} -j ISTIO_REDIRECT`));
    return rules;
  }
  for (const cidr of cidrsOf(outbound.cidrs, family)) {
    rules.push(
      ...rerouteInterfaces.map(
        (name) => `-I PREROUTING 1 -i ${name} -d ${ruleWord('outbound.cidrs', cidr)} -j ISTIO_REDIRECT`,
      ),
      `-A ISTIO_OUTPUT -d ${ruleWord('outbound.cidrs', cidr)} -j ISTIO_REDIRECT`,
    );
  }
  return rules;
}

/**
 * Input of `iptables-restore` (v4) or `ip6tables-restore` (v6). It replaces the whole nat table of the pod's network
 * namespace in one step, so loading it again changes nothing. Chain names and the order of rules are Istio's, so that
 * whoever can read Istio's rules can read these.
 *
 * @throws UnsupportedCaptureError for mode TPROXY, and for a word that cannot stand in a rule
 */
export function renderIptables(intent: CaptureIntent, family: Family): string {
  requireRedirect(intent);
  const { outbound } = intent;
  const lines = [
    ...head,
    ...interfaceRules(intent),
    ...targetRules(intent),
    ...inboundRules(intent),
    '-A OUTPUT -j ISTIO_OUTPUT',
    ...outboundPortExclusions(intent),
    `-A ISTIO_OUTPUT -o lo -s ${loopbackSourceCidr(intent, family)} -j RETURN`,
    ...ownerRules(intent, family),
    ...ownerGroupRules(intent),
    `-A ISTIO_OUTPUT -d ${intent.loopbackCidr[family]} -j RETURN`,
    ...cidrsOf(outbound.excludeCidrs, family).map(
      (cidr) => `-A ISTIO_OUTPUT -d ${ruleWord('outbound.excludeCidrs', cidr)} -j RETURN`,
    ),
    ...inclusions(intent, family),
    'COMMIT',
  ];
  return `${lines.join('\n')}\n`;
}
