import { peerText } from '../../envoy/flows.ts';
import { isInspected } from '../../envoy/inspection.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { serviceListener } from '../../envoy/service-listener.ts';
import type { PortPlan, ServicePlan } from '../plan/service-plan.ts';
import { listenerName, outboundName } from './names.ts';
import type { Resource } from './resource.ts';

/** An address and port at which clients call a port of a Service. */
interface Place {
  readonly address: string;
  readonly number: number;
  /** What metrics say of the pod that has the address. */
  readonly peer: string | undefined;
}

/**
 * Returns where a port is called: at an address of the Service, or, if it is headless, at those of its pods that take mutual TLS.
 * A client of a headless Service dials the pod's own port. Slices can say any address and name any pod, and one address has one
 * listener, so a headless Service has those of its own namespace's pods alone: no namespace decides on the address of another.
 */
function placesOf({ address, number, endpoints }: PortPlan, namespace: string): readonly Place[] {
  if (address !== undefined) return [{ address, number, peer: undefined }];
  return endpoints.flatMap(({ address: own, port, pod, identity }) =>
    pod?.namespace === namespace && identity !== undefined ? [{ address: own, number: port, peer: peerText(pod) }] : [],
  );
}

/**
 * Returns the listeners of a Service for proxies with these settings. A port that does not say what it is for is inspected where
 * the proxy would inspect it without a control plane, because an inspection can lose what is sent before a close.
 */
export function serviceListeners(plan: ServicePlan, traffic: TrafficIntent): readonly Resource[] {
  const families = new Set(traffic.settings.capture.families);
  const choice = plan.isHeadless ? 'dialled' : 'any';
  return plan.ports.flatMap((port) =>
    placesOf(port, plan.namespace).flatMap(({ address, number, peer }): readonly Resource[] => {
      // Such connections are not captured, and a kernel without IPv6 would reject the listener.
      if (!families.has(address.includes(':') ? 'v6' : 'v4')) return [];
      const name = listenerName(address, number);
      const isBytes = port.protocol === 'detect' && !isInspected(traffic, 'outbound', number);
      const intent = {
        name,
        address,
        port: number,
        target: outboundName(port, plan.host),
        protocol: isBytes ? 'tcp' : port.protocol,
        choice,
        peer,
      } as const;
      return [{ kind: 'listener', name, json: serviceListener(intent, traffic) }];
    }),
  );
}
