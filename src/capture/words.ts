import type { CaptureIntent, PortRange } from './intent.ts';
import { capturesLoopback, portText } from './rule-text.ts';

/** One line of the explanation. In each direction the first row that fits a connection decides. */
export interface CaptureRow {
  readonly direction: 'inbound' | 'outbound';
  /** The connections that the row is about. */
  readonly what: string;
  /** Ports, addresses, interfaces or owners, as the rules name them; `any` for all. */
  readonly match: string;
  readonly through: 'proxy' | 'direct';
  readonly why: string;
}

function list(ranges: readonly PortRange[]): string {
  return ranges.map((range) => portText(range, '-')).join(', ');
}

function row(direction: CaptureRow['direction'], through: CaptureRow['through']) {
  return (what: string, match: string, why: string): CaptureRow => ({ direction, what, match, through, why });
}

const arrives = row('inbound', 'proxy');
const arrivesPast = row('inbound', 'direct');
const leaves = row('outbound', 'proxy');
const leavesPast = row('outbound', 'direct');

function inboundRows(intent: CaptureIntent): CaptureRow[] {
  const { inbound, outbound } = intent;
  const rows: CaptureRow[] = [];
  if (intent.rerouteInterfaces.length > 0) {
    const names = intent.rerouteInterfaces.join(', ');
    const to = outbound.cidrs === 'all' ? 'any address' : outbound.cidrs.join(', ');
    if (to !== '') {
      rows.push(
        row('inbound', 'proxy')(
          `TCP from a virtual interface to ${to}`,
          names,
          "treated as the pod's own outbound traffic",
        ),
      );
    }
    rows.push(arrivesPast('other traffic from a virtual interface', names, 'nothing asks for its capture'));
  }
  if (intent.excludeInterfaces.length > 0) {
    rows.push(
      arrivesPast('traffic of an excluded interface', intent.excludeInterfaces.join(', '), 'excluded interface'),
    );
  }
  rows.push(arrivesPast('TCP to the tunnel port', String(intent.tunnelPort), 'kept free for a mesh tunnel'));
  if (inbound.ports === 'all') {
    if (inbound.excludePorts.length > 0) {
      rows.push(
        arrivesPast(
          'TCP to an excluded port',
          list(inbound.excludePorts),
          "the proxy's own ports and excluded inbound ports",
        ),
      );
    }
    rows.push(arrives('TCP to any other port', 'any', `captured, to ${intent.inboundPort}`));
  } else {
    if (inbound.ports.length > 0) {
      rows.push(arrives('TCP to a listed port', list(inbound.ports), `listed inbound ports, to ${intent.inboundPort}`));
    }
    rows.push(arrivesPast('TCP to any other port', 'any', 'only listed inbound ports are captured'));
  }
  rows.push(arrivesPast('UDP and everything else', 'any', 'only TCP is captured'));
  return rows;
}

function ownTraffic(intent: CaptureIntent): CaptureRow[] {
  const owners = [...intent.proxyUids.map((uid) => `uid ${uid}`), ...intent.proxyGids.map((gid) => `gid ${gid}`)].join(
    ', ',
  );
  const direct = intent.families.filter((family) => !capturesLoopback(intent, family));
  const sources = intent.families.map((family) => intent.loopbackSource[family]).join(', ');
  return [
    leavesPast("the proxy's delivery to the application", `from ${sources}`, 'has been through the proxy already'),
    row('outbound', 'proxy')(
      "the proxy calling the pod's own address",
      owners,
      `a call to the pod's own Service, to ${intent.inboundPort}`,
    ),
    ...(direct.length === 0
      ? []
      : [
          leavesPast(
            'the application talking to itself',
            `loopback interface, ${direct.map((family) => (family === 'v4' ? 'IPv4' : 'IPv6')).join(' and ')}`,
            'stays inside the pod',
          ),
        ]),
    leavesPast('other traffic of the proxy', owners, 'has been through the proxy already'),
  ];
}

function outboundRows(intent: CaptureIntent): CaptureRow[] {
  const { outbound } = intent;
  const rows: CaptureRow[] = [];
  if (intent.excludeInterfaces.length > 0) {
    rows.push(
      leavesPast('traffic of an excluded interface', intent.excludeInterfaces.join(', '), 'excluded interface'),
    );
  }
  if (outbound.excludePorts.length > 0) {
    rows.push(leavesPast('TCP to an excluded port', list(outbound.excludePorts), 'excluded outbound ports'));
  }
  rows.push(...ownTraffic(intent));
  const { ownerGroups = 'all', excludeOwnerGroups = [] } = outbound;
  if (ownerGroups !== 'all') {
    rows.push(
      leavesPast(
        'processes of any other group',
        `all but ${ownerGroups.join(', ')}`,
        'only listed groups are captured',
      ),
    );
  }
  if (excludeOwnerGroups.length > 0) {
    rows.push(leavesPast('processes of an excluded group', excludeOwnerGroups.join(', '), 'excluded groups'));
  }
  rows.push(
    leavesPast(
      'traffic to loopback',
      intent.families.map((family) => intent.loopbackCidr[family]).join(', '),
      'stays inside the pod',
    ),
  );
  if (outbound.excludeCidrs.length > 0) {
    rows.push(
      leavesPast('TCP to an excluded address', outbound.excludeCidrs.join(', '), 'excluded outbound addresses'),
    );
  }
  if (outbound.ports.length > 0) {
    rows.push(leaves('TCP to a listed port', list(outbound.ports), `listed outbound ports, to ${intent.outboundPort}`));
  }
  if (outbound.cidrs === 'all') {
    rows.push(leaves('TCP to any other address', 'any', `captured, to ${intent.outboundPort}`));
  } else {
    if (outbound.cidrs.length > 0) {
      rows.push(
        leaves(
          'TCP to a listed address',
          outbound.cidrs.join(', '),
          `listed outbound addresses, to ${intent.outboundPort}`,
        ),
      );
    }
    rows.push(leavesPast('TCP to any other address', 'any', 'only listed addresses and ports are captured'));
  }
  rows.push(leavesPast('UDP and everything else', 'any', 'only TCP is captured'));
  return rows;
}

function familyRows(intent: CaptureIntent): CaptureRow[] {
  if (intent.families.length === 2) return [];
  const missing = intent.families.includes('v4') ? 'IPv6' : 'IPv4';
  const why = `the settings say that this cluster has no ${missing}`;
  return [arrivesPast(`${missing} traffic`, 'any', why), leavesPast(`${missing} traffic`, 'any', why)];
}

/** What the rules of an intent do, in plain words and in the order in which they decide. */
export function explainCapture(intent: CaptureIntent): readonly CaptureRow[] {
  const rows = [...familyRows(intent), ...inboundRows(intent), ...outboundRows(intent)];
  return [...rows.filter((one) => one.direction === 'inbound'), ...rows.filter((one) => one.direction === 'outbound')];
}
