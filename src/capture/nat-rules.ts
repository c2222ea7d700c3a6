import type { CaptureIntent, Family } from './intent.ts';
import { bothFamilies, capturesLoopback, cidrsOf, loopbackSourceCidr } from './rule-text.ts';
import { redirectQueries } from './dns-rules.ts';
import {
  chains,
  inTable,
  jump,
  loopback,
  notToPort,
  pass,
  tcp,
  to,
  toPort,
  udp,
  type Match,
  type Rule,
} from './rule.ts';

const nat = inTable('nat');

function interfaceRules(intent: CaptureIntent): Rule[] {
  const excluded = intent.excludeInterfaces.flatMap((name) => [
    nat('PREROUTING', [{ by: 'in', name }], pass),
    nat('OUTPUT', [{ by: 'out', name }], pass),
  ]);
  // Inserted at the head. Later insertions come before earlier ones, so redirections take precedence over these.
  const rerouted = intent.rerouteInterfaces.map((name) =>
    nat('PREROUTING', [{ by: 'in', name }], pass, { position: 1 }),
  );
  return [...excluded, ...rerouted];
}

function targetRules(intent: CaptureIntent): Rule[] {
  return [
    nat(chains.inbound, [tcp, toPort(intent.tunnelPort)], pass),
    nat(chains.redirect, [tcp], { to: 'redirect', port: intent.outboundPort }),
    nat(chains.inboundRedirect, [tcp], { to: 'redirect', port: intent.inboundPort }),
  ];
}

function inboundRules({ mode, inbound }: CaptureIntent): Rule[] {
  if (mode === 'TPROXY' || (inbound.ports !== 'all' && inbound.ports.length === 0)) return [];
  const look = nat('PREROUTING', [tcp], jump(chains.inbound));
  const capture = jump(chains.inboundRedirect);
  if (inbound.ports !== 'all') {
    return [look, ...inbound.ports.map((range) => nat(chains.inbound, [tcp, to(range)], capture))];
  }
  return [
    look,
    ...inbound.excludePorts.map((range) => nat(chains.inbound, [tcp, to(range)], pass)),
    nat(chains.inbound, [tcp], capture),
  ];
}

function outboundExclusions({ outbound }: CaptureIntent): Rule[] {
  const byPort = outbound.excludePorts.flatMap((range) =>
    [tcp, udp].map((protocol) => nat(chains.output, [protocol, to(range)], pass)),
  );
  const byUser = outbound.excludeUsers.flatMap(({ uid, ports }) => {
    const owner: Match = { by: 'uid', id: uid };
    if (ports === 'all') return [nat(chains.output, [owner], pass)];
    return ports.flatMap((range) =>
      [tcp, udp].map((protocol) => nat(chains.output, [protocol, to(range), owner], pass)),
    );
  });
  return [...byPort, ...byUser];
}

/**
 * Rules for the proxy's own traffic, three per owner. The first sends the proxy's connections to the pod's own address
 * (a call to the pod's own Service) to the inbound listener. The second exempts what the application sends to itself;
 * it is omitted if loopback destinations are captured. The third exempts all other traffic of the proxy. With DNS
 * capture, later rules handle queries; as in Istio, the first rule of a group does not exclude port 53.
 */
function ownerRules(intent: CaptureIntent): Rule[] {
  const dns = intent.dns !== undefined;
  const triple = (by: 'uid' | 'gid', id: string): Rule[] => {
    const notTunnel: Match[] =
      dns && by === 'uid'
        ? [tcp, { by: 'other destination port', ports: [53, intent.tunnelPort] }]
        : [tcp, notToPort(intent.tunnelPort)];
    const notDns: Match[] = dns ? [tcp, notToPort(53)] : [];
    const self = (family: Family): Rule =>
      nat(
        chains.output,
        [loopback, { by: 'destination', cidr: intent.loopbackCidr[family], not: true }, ...notTunnel, { by, id }],
        jump(chains.inboundRedirect),
        { family },
      );
    const stays = nat(chains.output, [loopback, ...notDns, { by, id, not: true }], pass);
    return [
      ...bothFamilies.map(self),
      ...onlyWhere(stays, (family) => !capturesLoopback(intent, family)),
      nat(chains.output, [{ by, id }], pass),
    ];
  };
  return [
    ...intent.proxyUids.flatMap((uid) => triple('uid', uid)),
    ...intent.proxyGids.flatMap((gid) => triple('gid', gid)),
  ];
}

/** The rule, restricted to the families for which `holds` is true. */
function onlyWhere(rule: Rule, holds: (family: Family) => boolean): Rule[] {
  const where = bothFamilies.filter(holds);
  return where.length === bothFamilies.length ? [rule] : where.map((family) => ({ ...rule, family }));
}

function ownerGroupRules({ outbound }: CaptureIntent): Rule[] {
  const { ownerGroups, excludeOwnerGroups } = outbound;
  const excluded = excludeOwnerGroups.map((id) => nat(chains.output, [{ by: 'gid', id }], pass));
  if (ownerGroups === 'all') return excluded;
  const none = ownerGroups.map((id): Match => ({ by: 'gid', id, not: true }));
  return [nat(chains.output, none, pass), ...excluded];
}

function inclusions(intent: CaptureIntent): Rule[] {
  const { outbound, rerouteInterfaces } = intent;
  const capture = jump(chains.redirect);
  const rules = outbound.ports.map((range) => nat(chains.output, [tcp, to(range)], capture));
  if (outbound.cidrs === 'all') {
    const rerouted = rerouteInterfaces.map((name) => nat('PREROUTING', [{ by: 'in', name }], capture, { position: 1 }));
    return [...rules, nat(chains.output, [], capture), ...rerouted];
  }
  for (const family of bothFamilies) {
    for (const cidr of cidrsOf(outbound.cidrs, family)) {
      const destination: Match = { by: 'destination', cidr };
      rules.push(
        ...rerouteInterfaces.map((name) =>
          nat('PREROUTING', [{ by: 'in', name }, destination], capture, { position: 1, family }),
        ),
        nat(chains.output, [destination], capture, { family }),
      );
    }
  }
  return rules;
}

/** Rules of table `nat`, in the order that Istio 1.32 uses (tools/istio-iptables). */
export function natRules(intent: CaptureIntent): Rule[] {
  const excludedAddresses = bothFamilies.flatMap((family) => [
    nat(chains.output, [{ by: 'destination', cidr: intent.loopbackCidr[family] }], pass, { family }),
    ...cidrsOf(intent.outbound.excludeCidrs, family).map((cidr) =>
      nat(chains.output, [{ by: 'destination', cidr }], pass, { family }),
    ),
  ]);
  const delivery = bothFamilies.map((family) =>
    nat(chains.output, [loopback, { by: 'source', cidr: loopbackSourceCidr(intent, family) }], pass, { family }),
  );
  return [
    ...interfaceRules(intent),
    ...targetRules(intent),
    ...inboundRules(intent),
    nat('OUTPUT', [], jump(chains.output)),
    ...outboundExclusions(intent),
    ...delivery,
    ...ownerRules(intent),
    ...ownerGroupRules(intent),
    ...redirectQueries(intent),
    ...excludedAddresses,
    ...inclusions(intent),
  ];
}
