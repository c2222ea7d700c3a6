import type { PortPlan } from '../plan/service-plan.ts';

/** Endpoints of a Service that one cluster has: those of a port at one of its addresses, or of a subset of them. */
export interface ClusterPlace extends Pick<PortPlan, 'number' | 'secondFamily'> {
  readonly subset?: string | undefined;
}

/**
 * Returns the name of a cluster, its endpoints and its routes in Istio's form, which tools parse. The place of a subset, whose
 * names have neither dots nor capitals, also has the family of a Service's second address: `outbound|80|v1.IPv6|host`.
 */
export function outboundName({ number, secondFamily, subset }: ClusterPlace, host: string): string {
  return `outbound|${number}|${[subset, secondFamily].filter((part) => part !== undefined).join('.')}|${host}`;
}

/**
 * Returns the name of the cluster of a headless Service that picks an endpoint, for requests that routes bring there: the one
 * with the usual name leaves that to the client.
 */
export function balancedName(number: number, host: string): string {
  return `outbound|${number}|Any|${host}`;
}

/** Returns the name of the listener for one address and port of a Service. */
export function listenerName(address: string, port: number): string {
  return `${address}_${port}`;
}
