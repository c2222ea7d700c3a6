import { isWithin } from './cidr.ts';
import type { Connection } from './connection.ts';
import type { CaptureIntent } from './intent.ts';
import { capturesLoopback } from './rule-text.ts';
import { captured, direct, everythingElse, excludedInterfaces, isAmong, isTcp, portsText, type Step } from './step.ts';

function outbound(step: (direction: 'outbound') => Step): Step {
  return step('outbound');
}

function exclusionSteps(intent: CaptureIntent): Step[] {
  const { excludePorts, excludeUsers } = intent.outbound;
  const steps = excludedInterfaces(intent.excludeInterfaces, 'outbound');
  if (excludePorts.length > 0) {
    steps.push(
      outbound(
        direct('traffic to an excluded port', portsText(excludePorts), 'excluded outbound ports', ({ port }) =>
          isAmong(excludePorts, port),
        ),
      ),
    );
  }
  if (excludeUsers.length > 0) {
    const names = excludeUsers.map(({ uid, ports }) =>
      ports === 'all' ? `uid ${uid}` : `uid ${uid} to ${portsText(ports)}`,
    );
    steps.push(
      outbound(
        direct('traffic of an excluded user', names.join(', '), 'excluded users', (one) =>
          excludeUsers.some(({ uid, ports }) => uid === one.uid && (ports === 'all' || isAmong(ports, one.port))),
        ),
      ),
    );
  }
  return steps;
}

interface Owner {
  readonly by: 'uid' | 'gid';
  readonly id: string;
}

function ownersOf(intent: CaptureIntent): Owner[] {
  return [
    ...intent.proxyUids.map((id): Owner => ({ by: 'uid', id })),
    ...intent.proxyGids.map((id): Owner => ({ by: 'gid', id })),
  ];
}

function ownerText({ by, id }: Owner): string {
  return `${by} ${id}`;
}

/** Steps for what the proxy sends to the pod's own address, and for what other processes send within the pod. */
function loopbackSteps(intent: CaptureIntent, owner: Owner): Step[] {
  const dns = intent.dns !== undefined;
  const toItself = (one: Connection): boolean =>
    one.through === 'lo' &&
    isTcp(one) &&
    !isWithin(one.destination, intent.loopbackCidr[one.family]) &&
    one.port !== intent.tunnelPort &&
    !(dns && owner.by === 'uid' && one.port === 53);
  const self = captured(
    'inbound listener',
    "the proxy calling the pod's own address",
    ownerText(owner),
    `a call to the pod's own Service, to ${intent.inboundPort}`,
    (one) => toItself(one) && one[owner.by] === owner.id,
  );
  const staying = intent.families.filter((family) => !capturesLoopback(intent, family));
  const families = staying.map((family) => (family === 'v4' ? 'IPv4' : 'IPv6')).join(' and ');
  const stays = direct(
    'the application talking to itself',
    `loopback interface, ${families}, not ${ownerText(owner)}${dns ? ', not DNS' : ''}`,
    'stays inside the pod',
    (one) =>
      one.through === 'lo' &&
      one[owner.by] !== owner.id &&
      staying.includes(one.family) &&
      (!dns || (isTcp(one) && one.port !== 53)),
  );
  return [self, ...(staying.length === 0 ? [] : [stays])].map(outbound);
}

function proxySteps(intent: CaptureIntent): Step[] {
  const sources = intent.families.map((family) => intent.loopbackSource[family]).join(', ');
  const delivery = direct(
    "the proxy's delivery to the application",
    `from ${sources}`,
    'has been through the proxy already',
    ({ through, source, family }) => through === 'lo' && source === intent.loopbackSource[family],
  );
  const rest = (owners: readonly Owner[]): Step =>
    outbound(
      direct(
        'other traffic of the proxy',
        owners.map(ownerText).join(', '),
        'has been through the proxy already',
        (one) => owners.some(({ by, id }) => one[by] === id),
      ),
    );
  const [first, ...others] = ownersOf(intent);
  const steps = [outbound(delivery)];
  if (first === undefined) return steps;
  steps.push(...loopbackSteps(intent, first));
  // The first owner's rules decide all traffic inside the pod, so the other owners' rules for it have no effect.
  const reached = intent.dns !== undefined || intent.families.some((family) => capturesLoopback(intent, family));
  if (!reached) return [...steps, rest([first, ...others])];
  return [...steps, rest([first]), ...others.flatMap((owner) => [...loopbackSteps(intent, owner), rest([owner])])];
}

function groupSteps({ outbound: { ownerGroups, excludeOwnerGroups } }: CaptureIntent): Step[] {
  const steps: Step[] = [];
  if (ownerGroups !== 'all') {
    steps.push(
      outbound(
        direct(
          'processes of any other group',
          `all but ${ownerGroups.join(', ')}`,
          'only listed groups are captured',
          ({ gid }) => !ownerGroups.includes(gid),
        ),
      ),
    );
  }
  if (excludeOwnerGroups.length > 0) {
    steps.push(
      outbound(
        direct('processes of an excluded group', excludeOwnerGroups.join(', '), 'excluded groups', ({ gid }) =>
          excludeOwnerGroups.includes(gid),
        ),
      ),
    );
  }
  return steps;
}

function dnsSteps({ dns }: CaptureIntent): Step[] {
  if (dns === undefined) return [];
  const { servers } = dns;
  const to = servers === 'all' ? 'any server' : servers.join(', ');
  const fits = ({ port, destination }: Connection): boolean =>
    port === 53 &&
    (servers === 'all' ||
      servers.some((server) => isWithin(destination, `${server}/${server.includes(':') ? 128 : 32}`)));
  return [outbound(captured('DNS server', 'DNS queries', to, `answered by the proxy, on ${dns.port}`, fits))];
}

function inclusionSteps(intent: CaptureIntent): Step[] {
  const { ports, cidrs } = intent.outbound;
  const to = `to ${intent.outboundPort}`;
  const steps: Step[] = [];
  if (ports.length > 0) {
    steps.push(
      outbound(
        captured(
          'outbound listener',
          'TCP to a listed port',
          portsText(ports),
          `listed outbound ports, ${to}`,
          (one) => isTcp(one) && isAmong(ports, one.port),
        ),
      ),
    );
  }
  if (cidrs === 'all') {
    return [
      ...steps,
      outbound(captured('outbound listener', 'TCP to any other address', 'any', `captured, ${to}`, isTcp)),
    ];
  }
  if (cidrs.length > 0) {
    steps.push(
      outbound(
        captured(
          'outbound listener',
          'TCP to a listed address',
          cidrs.join(', '),
          `listed outbound addresses, ${to}`,
          (one) => isTcp(one) && cidrs.some((cidr) => isWithin(one.destination, cidr)),
        ),
      ),
    );
  }
  const why = 'only listed addresses and ports are captured';
  return [...steps, outbound(direct('TCP to any other address', 'any', why, isTcp))];
}

/** Explains what the rules do with outbound traffic. */
export function outboundSteps(intent: CaptureIntent): Step[] {
  const { excludeCidrs } = intent.outbound;
  const loopback = direct(
    'traffic to loopback',
    intent.families.map((family) => intent.loopbackCidr[family]).join(', '),
    'stays inside the pod',
    ({ destination, family }) => isWithin(destination, intent.loopbackCidr[family]),
  );
  const excluded = direct(
    'traffic to an excluded address',
    excludeCidrs.join(', '),
    'excluded outbound addresses',
    ({ destination }) => excludeCidrs.some((cidr) => isWithin(destination, cidr)),
  );
  return [
    ...exclusionSteps(intent),
    ...proxySteps(intent),
    ...groupSteps(intent),
    ...dnsSteps(intent),
    outbound(loopback),
    ...(excludeCidrs.length === 0 ? [] : [outbound(excluded)]),
    ...inclusionSteps(intent),
    outbound(everythingElse(intent.dns !== undefined)),
  ];
}
