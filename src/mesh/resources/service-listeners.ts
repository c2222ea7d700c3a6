import { accessLogs, tcpLogOptions } from '../../envoy/access-log.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { serviceListener } from '../../envoy/service-listener.ts';
import { tracing } from '../../envoy/tracing.ts';
import type { ServicePlan } from '../plan/service-plan.ts';
import { listenerName, outboundName } from './names.ts';
import type { Resource } from './resource.ts';

/** Returns the listeners of a Service's addresses for proxies with these settings. */
export function serviceListeners(plan: ServicePlan, traffic: TrafficIntent): readonly Resource[] {
  const { proxy } = traffic.settings;
  return plan.addresses.flatMap((address) =>
    plan.ports.map((port): Resource => {
      const name = listenerName(address, port.number);
      const json = serviceListener({
        name,
        address,
        port: port.number,
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
