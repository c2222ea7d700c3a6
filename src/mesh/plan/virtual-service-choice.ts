import type { Finding } from '../rules/finding.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import { exportRank, isExportedTo } from './export.ts';
import type { RouteContext } from './route-context.ts';
import type { RoutePlan } from './route-plan.ts';
import type { Hosted, RuleIndex } from './rule-index.ts';
import { translateVirtualService } from './virtual-service-routes.ts';

/** Tells the author of an object something. */
export type Note = (ref: ObjectRef, finding: Finding) => void;

/** Returns whether a VirtualService is for the proxies of pods, and not only for gateways. */
export function isForSidecars({ gateways }: VirtualService): boolean {
  return gateways === undefined || gateways.length === 0 || gateways.includes('mesh');
}

function rankOf({ rule: { ref, spec } }: Hosted<VirtualService>, client: string): number {
  return exportRank(spec.exportTo, ref.namespace, client);
}

/**
 * Returns the VirtualServices that may decide on a host for clients of a namespace: of those that fit it best, first those that are for the fewest
 * namespaces, and of these the oldest one.
 */
export function rivalVirtualServices(
  index: RuleIndex,
  host: string,
  client: string,
): readonly Hosted<VirtualService>[] {
  const visible = index
    .virtualServices(host)
    .filter(({ rule: { ref, spec } }) => isForSidecars(spec) && isExportedTo(spec.exportTo, ref.namespace, client));
  return visible
    .filter((one) => one.host === visible[0]?.host)
    .toSorted((one, other) => rankOf(one, client) - rankOf(other, client));
}

/** What becomes of a port: `isHeld` if an object names what does not exist. */
export interface Decision {
  readonly plan: RoutePlan | undefined;
  readonly isHeld: boolean;
}

/** Returns what the first of several VirtualServices says that says anything of a port and its clients. */
export function decideOnPort(rivals: readonly Hosted<VirtualService>[], context: RouteContext, note: Note): Decision {
  for (const { rule } of rivals) {
    const { rules, findings } = translateVirtualService(rule.spec, rule.ref, context);
    for (const finding of findings) note(rule.ref, finding);
    if (rules === undefined) return { plan: undefined, isHeld: true };
    if (rules.length > 0) return { plan: { rules, origins: [rule.ref] }, isHeld: false };
  }
  return { plan: undefined, isHeld: false };
}

/** Tells VirtualServices for one host which of them has no effect. */
export function noteRivals(
  rivals: readonly Hosted<VirtualService>[],
  deciding: ReadonlySet<ObjectRef>,
  host: string,
  client: string,
  note: Note,
): void {
  const [first, ...others] = rivals;
  if (first === undefined) return;
  const name = `${first.rule.ref.namespace}/${first.rule.ref.name}`;
  for (const other of others) {
    const { ref } = other.rule;
    if (deciding.has(ref)) continue;
    const isByAge = rankOf(other, client) === rankOf(first, client);
    const winner = isByAge ? `the older VirtualService ${name}` : `VirtualService ${name}, whose exportTo is narrower,`;
    note(ref, {
      field: '/spec/hosts',
      effect: 'without-effect',
      code: 'OlderObjectCounts',
      sentence: `${winner} decides on ${host} alone; move these routes into it`,
    });
    note(first.rule.ref, {
      field: '/spec/hosts',
      effect: 'warning',
      code: 'HostNamedTwice',
      sentence: `VirtualService ${ref.namespace}/${ref.name} names ${host}, too; it has no effect there, because ${isByAge ? 'it is younger' : 'its exportTo is wider'}`,
    });
  }
}
