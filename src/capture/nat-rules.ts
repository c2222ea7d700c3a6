import type { CaptureIntent, Family } from './intent.ts';
import { bothFamilies, capturesLoopback, cidrsOf, loopbackSourceCidr, portsText } from './rule-text.ts';
import { redirectQueries } from './dns-rules.ts';
import { excludedInterfaces, inboundWords } from './shared-rules.ts';
import {
  chains,
  inTable,
  jump,
  loopback,
  notToPort,
  pass,
  proxyOwners,
  says,
  tcp,
  to,
  toPort,
  udp,
  type Match,
  type Rule,
} from './rule.ts';

const nat = inTable('nat');

function interfaceRules(intent: CaptureIntent): Rule[] {
  const names = intent.rerouteInterfaces.join(', ');
  const words = says('other traffic from a virtual interface', names, 'nothing asks for its capture');
  // Inserted at the head: a later insertion stands before an earlier one, so redirections win over these.
  const rerouted = intent.rerouteInterfaces.map((name) =>
    nat('PREROUTING', [{ by: 'in', name }], pass, { position: 1, words }),
  );
  return [...excludedInterfaces('nat', intent), ...rerouted];
}

function targetRules(intent: CaptureIntent): Rule[] {
  const words = says('TCP to the tunnel port', String(intent.tunnelPort), 'kept free for a mesh tunnel');
  return [
    nat(chains.inbound, [tcp, toPort(intent.tunnelPort)], pass, { words }),
    nat(chains.redirect, [tcp], { to: 'redirect', port: intent.outboundPort }),
    nat(chains.inboundRedirect, [tcp], { to: 'redirect', port: intent.inboundPort }),
  ];
}

function inboundRules(intent: CaptureIntent): Rule[] {
  const { mode, inbound } = intent;
  if (mode === 'TPROXY' || (inbound.ports !== 'all' && inbound.ports.length === 0)) return [];
  const look = nat('PREROUTING', [tcp], jump(chains.inbound));
  const capture = jump(chains.inboundRedirect);
  const { captured: words, excluded } = inboundWords(intent);
  if (inbound.ports !== 'all') {
    return [look, ...inbound.ports.map((range) => nat(chains.inbound, [tcp, to(range)], capture, { words }))];
  }
  return [
    look,
    ...inbound.excludePorts.map((range) => nat(chains.inbound, [tcp, to(range)], pass, { words: excluded })),
    nat(chains.inbound, [tcp], capture, { words }),
  ];
}

function outboundExclusions({ outbound: { excludePorts, excludeUsers } }: CaptureIntent): Rule[] {
  const toPorts = says('traffic to an excluded port', portsText(excludePorts), 'excluded outbound ports');
  const byPort = excludePorts.flatMap((range) =>
    [tcp, udp].map((protocol) => nat(chains.output, [protocol, to(range)], pass, { words: toPorts })),
  );
  const users = excludeUsers.map(({ uid, ports }) => `uid ${uid}${ports === 'all' ? '' : ` to ${portsText(ports)}`}`);
  const words = says('traffic of an excluded user', users.join(', '), 'excluded users');
  const byUser = excludeUsers.flatMap(({ uid, ports }) => {
    const owner: Match = { by: 'uid', id: uid };
    if (ports === 'all') return [nat(chains.output, [owner], pass, { words })];
    return ports.flatMap((range) =>
      [tcp, udp].map((protocol) => nat(chains.output, [protocol, to(range), owner], pass, { words })),
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
  const staying = bothFamilies.filter((family) => !capturesLoopback(intent, family));
  const families = staying.filter((family) => intent.families.includes(family));
  const owners = proxyOwners(intent);
  const all = owners.map(({ by, id }) => `${by} ${id}`).join(', ');
  // Where the first owner's rules leave nothing of what stays in the pod, those of the others decide nothing.
  const isReached = dns || families.length < intent.families.length;
  const names = families.map((family) => (family === 'v4' ? 'IPv4' : 'IPv6')).join(' and ');
  const call = `a call to the pod's own Service, to ${intent.inboundPort}`;
  return owners.flatMap(({ by, id }, index): Rule[] => {
    const owner = `${by} ${id}`;
    const within = `loopback interface, ${names}, not ${owner}${dns ? ', not DNS' : ''}`;
    const [calls, itself] =
      isReached || index === 0
        ? [
            says("the proxy calling the pod's own address", owner, call),
            says('the application talking to itself', within, 'stays inside the pod'),
          ]
        : [];
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
        { family, words: calls },
      );
    const stays = nat(chains.output, [loopback, ...notDns, { by, id, not: true }], pass, { words: itself });
    const words = says('other traffic of the proxy', isReached ? owner : all, 'has been through the proxy already');
    return [
      ...bothFamilies.map(self),
      ...(staying.length === bothFamilies.length ? [stays] : staying.map((family) => ({ ...stays, family }))),
      nat(chains.output, [{ by, id }], pass, { words }),
    ];
  });
}

function ownerGroupRules({ outbound }: CaptureIntent): Rule[] {
  const { ownerGroups, excludeOwnerGroups } = outbound;
  const words = says('processes of an excluded group', excludeOwnerGroups.join(', '), 'excluded groups');
  const excluded = excludeOwnerGroups.map((id) => nat(chains.output, [{ by: 'gid', id }], pass, { words }));
  if (ownerGroups === 'all') return excluded;
  const none = ownerGroups.map((id): Match => ({ by: 'gid', id, not: true }));
  const named = `all but ${ownerGroups.join(', ')}`;
  const others = says('processes of any other group', named, 'only listed groups are captured');
  return [nat(chains.output, none, pass, { words: others }), ...excluded];
}

function inclusions(intent: CaptureIntent): Rule[] {
  const { outbound, rerouteInterfaces, outboundPort } = intent;
  const { ports, cidrs } = outbound;
  const capture = jump(chains.redirect);
  const listed = says('TCP to a listed port', portsText(ports), `listed outbound ports, to ${outboundPort}`);
  const virtual = says(
    `TCP from a virtual interface to ${cidrs === 'all' ? 'any address' : cidrs.join(', ')}`,
    rerouteInterfaces.join(', '),
    "treated as the pod's own outbound traffic",
  );
  const rules = ports.map((range) => nat(chains.output, [tcp, to(range)], capture, { words: listed }));
  if (cidrs === 'all') {
    const words = says('TCP to any other address', 'any', `captured, to ${outboundPort}`);
    const rerouted = rerouteInterfaces.map((name) =>
      nat('PREROUTING', [{ by: 'in', name }], capture, { position: 1, words: virtual }),
    );
    return [...rules, nat(chains.output, [], capture, { words }), ...rerouted];
  }
  const words = says('TCP to a listed address', cidrs.join(', '), `listed outbound addresses, to ${outboundPort}`);
  for (const family of bothFamilies) {
    for (const cidr of cidrsOf(cidrs, family)) {
      const destination: Match = { by: 'destination', cidr };
      rules.push(
        ...rerouteInterfaces.map((name) =>
          nat('PREROUTING', [{ by: 'in', name }, destination], capture, { position: 1, family, words: virtual }),
        ),
        nat(chains.output, [destination], capture, { family, words }),
      );
    }
  }
  return rules;
}

/** Rules of table `nat`, in the order that Istio 1.32 uses (tools/istio-iptables). */
export function natRules(intent: CaptureIntent): Rule[] {
  const { families, loopbackCidr, loopbackSource } = intent;
  const { excludeCidrs } = intent.outbound;
  const own = families.map((family) => loopbackCidr[family]).join(', ');
  const toLoopback = says('traffic to loopback', own, 'stays inside the pod');
  const excluded = says('traffic to an excluded address', excludeCidrs.join(', '), 'excluded outbound addresses');
  const excludedAddresses = bothFamilies.flatMap((family) => [
    nat(chains.output, [{ by: 'destination', cidr: loopbackCidr[family] }], pass, { family, words: toLoopback }),
    ...cidrsOf(excludeCidrs, family).map((cidr) =>
      nat(chains.output, [{ by: 'destination', cidr }], pass, { family, words: excluded }),
    ),
  ]);
  const sources = `from ${families.map((family) => loopbackSource[family]).join(', ')}`;
  const words = says("the proxy's delivery to the application", sources, 'has been through the proxy already');
  const delivery = bothFamilies.map((family) =>
    nat(chains.output, [loopback, { by: 'source', cidr: loopbackSourceCidr(intent, family) }], pass, { family, words }),
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
