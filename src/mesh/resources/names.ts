import type { PortPlan } from '../plan/service-plan.ts';

/**
 * Returns the name of a cluster, its endpoints and its routes in Istio's form, which tools parse. The place of a subset, whose
 * names are in lower case, has the family of a Service's second address.
 */
export function outboundName(
  { number, secondFamily }: Pick<PortPlan, 'number' | 'secondFamily'>,
  host: string,
): string {
  return `outbound|${number}|${secondFamily ?? ''}|${host}`;
}

/** Returns the name of the listener for one address and port of a Service. */
export function listenerName(address: string, port: number): string {
  return `${address}_${port}`;
}
