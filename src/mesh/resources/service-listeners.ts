import { accessLogs, tcpLogOptions } from '../../envoy/access-log.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { serviceListener } from '../../envoy/service-listener.ts';
import { tracing } from '../../envoy/tracing.ts';
import type { PortPlan, ServicePlan } from '../plan/service-plan.ts';
import { listenerName, outboundName } from './names.ts';
import type { Resource } from './resource.ts';

/** An address and port at which clients call a port of a Service. */
interface Place {
  readonly address: string;
  readonly number: number;
}

/**
 * Returns where a port is called: at the addresses of the Service, or, if it is headless, at those of its pods that take mutual TLS.
 * A client of a headless Service dials the pod's own port.
 */
function placesOf({ addresses, isHeadless }: ServicePlan, port: PortPlan): readonly Place[] {
  if (!isHeadless) return addresses.map((address) => ({ address, number: port.number }));
  return port.endpoints.flatMap(({ address, port: number, identity }) =>
    identity === undefined ? [] : [{ address, number }],
  );
}

/** Returns the listeners of a Service for proxies with these settings. */
export function serviceListeners(plan: ServicePlan, traffic: TrafficIntent): readonly Resource[] {
  const { proxy } = traffic.settings;
  return plan.ports.flatMap((port) =>
    placesOf(plan, port).map(({ address, number }): Resource => {
      const name = listenerName(address, number);
      const json = serviceListener({
        name,
        address,
        port: number,
        target: outboundName(port.number, plan.host),
        protocol: port.protocol,
        detectionTimeoutMs: proxy.protocolDetectionTimeoutMs,
        countsMessages: proxy.metrics.istio,
        accessLog: { http: accessLogs(proxy, 'outbound', 'http'), tcp: accessLogs(proxy, 'outbound', 'tcp') },
        logOptions: tcpLogOptions(proxy),
        tracing: tracing(traffic),
      });
      return { kind: 'listener', name, json };
    }),
  );
}
