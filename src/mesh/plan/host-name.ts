import type { Service } from '../world/service.ts';
import type { World } from '../world/world.ts';

/** Returns the full name of a Service in DNS. */
export function hostOf({ name, namespace }: Pick<Service, 'name' | 'namespace'>, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/**
 * Returns the complete form of a host that an object names, in lower case. A name without a dot is one of the object's own
 * namespace; `*`, and whatever has a dot, is complete as it stands (Istio's rule, so `reviews.prod` is not a Service).
 */
export function completeHost(host: string, namespace: string, clusterDomain: string): string {
  const lower = host.toLowerCase();
  const isShort = lower !== '*' && !lower.includes('.') && !lower.includes(':');
  return isShort ? hostOf({ name: lower, namespace }, clusterDomain) : lower.replace(/\.$/, '');
}

/** Returns the Service with a full name in DNS. */
export function serviceOf(world: World, host: string, clusterDomain: string): Service | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!host.endsWith(suffix)) return undefined;
  const [name, namespace, ...rest] = host.slice(0, -suffix.length).split('.');
  return rest.length > 0 ? undefined : world.service.get(`${namespace}/${name}`);
}

/**
 * Returns how well a complete host of a rule fits a name: its length if it is the name itself or ends like it after `*`, so that
 * the longest fits best; undefined if it does not.
 */
export function fitOf(pattern: string, name: string): number | undefined {
  if (pattern === name) return Number.MAX_SAFE_INTEGER;
  return pattern.startsWith('*') && name.endsWith(pattern.slice(1)) ? pattern.length : undefined;
}
