import type { ProxyIntent } from '../../envoy/intent.ts';
import { wordSet } from '../../grammar/words.ts';
import { member, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { ProbeRedirect } from '../../pod/probe.ts';

/**
 * Protocols in port names (`mysql`, `tcp-events`) whose servers speak first or that are not HTTP. The form
 * `<protocol>[-<suffix>]` and the names `tcp`, `mongo`, `mysql` and `redis` are Istio's
 * (https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/).
 */
const opaqueProtocols = wordSet(`
  amqp cassandra ftp imap kafka ldap mariadb memcached mongo mongodb mqtt mysql nats pop3 postgres postgresql redis
  sftp smtp ssh tcp zookeeper
`);

/** Protocols in port names that are HTTP, or HTTP in TLS. `metrics` is what Prometheus' charts call their port. */
const httpProtocols = wordSet('grpc grpcs h2c http http2 https metrics web ws wss');

/** Returns the TCP ports of the containers whose names begin with one of the protocols, ascending, without duplicates. */
function portsNamed(protocols: ReadonlySet<string>, containers: readonly JsonObject[]): Set<number> {
  const found = new Set<number>();
  for (const container of containers) {
    for (const port of objectsMember(container, 'ports')) {
      const number = member(port, 'containerPort');
      const [protocol = ''] = (stringMember(port, 'name') ?? '').split('-', 1);
      const isNamed = protocols.has(protocol) && (stringMember(port, 'protocol') ?? 'TCP') === 'TCP';
      if (isNamed && typeof number === 'number' && number >= 1 && number <= 65_535) found.add(number);
    }
  }
  return found;
}

function ascending(ports: ReadonlySet<number>): number[] {
  return [...ports].toSorted((left, right) => left - right);
}

/** Ports that a pod says something about, ascending, without duplicates. */
export type DeclaredPorts = Pick<ProxyIntent, 'httpInboundPorts' | 'opaqueInboundPorts'>;

/**
 * Returns the ports that the containers declare, by port name, as HTTP and as not HTTP. A port that answers an HTTP or gRPC
 * probe is HTTP, too.
 */
export function declaredPorts(containers: readonly JsonObject[], probes: readonly ProbeRedirect[]): DeclaredPorts {
  const http = portsNamed(httpProtocols, containers);
  for (const { action } of probes) if (action.type !== 'tcp') http.add(action.port);
  return { httpInboundPorts: ascending(http), opaqueInboundPorts: ascending(portsNamed(opaqueProtocols, containers)) };
}
