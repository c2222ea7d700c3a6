import { wordSet } from '../../grammar/words.ts';
import { member, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';

/**
 * Protocols in port names (`mysql`, `tcp-events`) whose servers speak first or that are not HTTP. The form
 * `<protocol>[-<suffix>]` and the names `tcp`, `mongo`, `mysql` and `redis` are Istio's
 * (https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/).
 */
const opaqueProtocols = wordSet(`
  amqp cassandra ftp imap kafka ldap mariadb memcached mongo mongodb mqtt mysql nats pop3 postgres postgresql redis
  sftp smtp ssh tcp zookeeper
`);

function isOpaque(port: JsonObject): boolean {
  const [protocol = ''] = (stringMember(port, 'name') ?? '').split('-', 1);
  return opaqueProtocols.has(protocol) && (stringMember(port, 'protocol') ?? 'TCP') === 'TCP';
}

/** Returns the ports that the containers declare, by port name, as not HTTP; ascending, without duplicates. */
export function declaredOpaquePorts(containers: readonly JsonObject[]): number[] {
  const found = new Set<number>();
  for (const container of containers) {
    for (const port of objectsMember(container, 'ports')) {
      const number = member(port, 'containerPort');
      if (typeof number === 'number' && number >= 1 && number <= 65_535 && isOpaque(port)) found.add(number);
    }
  }
  return [...found].toSorted((left, right) => left - right);
}
