import { isWithin } from './cidr.ts';
import type { CaptureIntent } from './intent.ts';
import { captured, direct, everythingElse, excludedInterfaces, isAmong, isTcp, portsText, type Step } from './step.ts';

/**
 * Steps for virtual machines behind an interface of the pod, whose traffic is treated as the pod's outbound traffic.
 */
function reroutedSteps({ rerouteInterfaces, outbound }: CaptureIntent): Step[] {
  if (rerouteInterfaces.length === 0) return [];
  const names = rerouteInterfaces.join(', ');
  const { cidrs } = outbound;
  const to = cidrs === 'all' ? 'any address' : cidrs.join(', ');
  const rest = direct('other traffic from a virtual interface', names, 'nothing asks for its capture', ({ through }) =>
    rerouteInterfaces.includes(through),
  );
  if (to === '') return [rest('inbound')];
  const capture = captured(
    'outbound listener',
    `TCP from a virtual interface to ${to}`,
    names,
    "treated as the pod's own outbound traffic",
    (one) =>
      isTcp(one) &&
      rerouteInterfaces.includes(one.through) &&
      (cidrs === 'all' || cidrs.some((cidr) => isWithin(one.destination, cidr))),
  );
  return [capture('inbound'), rest('inbound')];
}

function portSteps({ inbound, inboundPort, mode }: CaptureIntent): Step[] {
  const how = mode === 'TPROXY' ? `handed to ${inboundPort} with the client's address` : `captured, to ${inboundPort}`;
  const any = captured('inbound listener', 'TCP to any other port', 'any', how, isTcp);
  const { ports, excludePorts } = inbound;
  if (ports === 'all') {
    const excluded = direct(
      'TCP to an excluded port',
      portsText(excludePorts),
      "the proxy's own ports and excluded inbound ports",
      (one) => isTcp(one) && isAmong(excludePorts, one.port),
    );
    return [...(excludePorts.length === 0 ? [] : [excluded('inbound')]), any('inbound')];
  }
  const listed = captured(
    'inbound listener',
    'TCP to a listed port',
    portsText(ports),
    `listed inbound ports, ${how}`,
    (one) => isTcp(one) && isAmong(ports, one.port),
  );
  const rest = direct('TCP to any other port', 'any', 'only listed inbound ports are captured', isTcp);
  return [...(ports.length === 0 ? [] : [listed('inbound')]), rest('inbound')];
}

/** Explains what the rules do with inbound traffic. */
export function inboundSteps(intent: CaptureIntent): Step[] {
  const { tunnelPort, mode } = intent;
  const tunnel = direct(
    'TCP to the tunnel port',
    String(tunnelPort),
    'kept free for a mesh tunnel',
    (one) => isTcp(one) && one.port === tunnelPort,
  );
  return [
    ...reroutedSteps(intent),
    ...excludedInterfaces(intent.excludeInterfaces, 'inbound'),
    ...(mode === 'TPROXY' ? [] : [tunnel('inbound')]),
    ...portSteps(intent),
    everythingElse(false)('inbound'),
  ];
}
