import type { ServicePort } from '../world/service.ts';

/**
 * How connections to a port are read: `http` as HTTP of any version, `tcp` not at all, `detect` by their first bytes. UDP and
 * SCTP are not captured.
 */
export type Protocol = 'http' | 'tcp' | 'detect' | 'none';

/** Protocols that a port's name or `appProtocol` can state (Istio's list). TLS that the application speaks is not read. */
const stated: ReadonlyMap<string, Protocol> = new Map([
  ...['http', 'http2', 'grpc', 'grpc-web', 'http_proxy', 'kubernetes.io/h2c', 'kubernetes.io/ws'].map(
    (name) => [name, 'http'] as const,
  ),
  ...['https', 'tls', 'tcp', 'mongo', 'redis', 'mysql', 'kubernetes.io/wss'].map((name) => [name, 'tcp'] as const),
]);

/** Ports of servers that speak first or not HTTP (SMTP, DNS, MySQL, MongoDB), as in Istio. */
const notHttp: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** Returns how a port of a Service is read: by its `appProtocol`, or if it has none by its name, up to the first dash. */
export function protocolOf({ name, number, transport, appProtocol }: ServicePort): Protocol {
  if (transport !== 'TCP') return 'none';
  const lower = (appProtocol ?? name).toLowerCase();
  const word = lower.startsWith('grpc-web') ? 'grpc-web' : (lower.split('-')[0] ?? '');
  return stated.get(word) ?? (notHttp.has(number) ? 'tcp' : 'detect');
}
