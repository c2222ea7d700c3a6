import { member, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { objectMember } from '../../json/json.ts';
import type { Headers } from './request.ts';
import { describeMatch, whyNot } from './route-match.ts';

/** A route that a request was compared with. */
export interface Compared {
  /** Its place in the configuration, from 0. */
  readonly index: number;
  readonly name: string;
  /** Its conditions in words. */
  readonly match: string;
}

/** What routes make of a request. */
export interface RouteWalk {
  /** The first route that matches. */
  readonly taken: (Compared & { readonly route: JsonObject }) | undefined;
  /** The routes before it, all of them if none matches, each with the first condition that does not hold. */
  readonly passed: readonly (Compared & { readonly because: string })[];
}

/** Finds the route of a request. All configurations of the mesh have one virtual host for all names. */
export function walkRoutes(configuration: JsonObject, headers: Headers): RouteWalk {
  const host = objectsMember(configuration, 'virtual_hosts').find((one) => {
    const domains = member(one, 'domains');
    return Array.isArray(domains) && domains.includes('*');
  });
  const passed: RouteWalk['passed'][number][] = [];
  for (const [index, route] of objectsMember(host, 'routes').entries()) {
    const match = objectMember(route, 'match') ?? {};
    const because = whyNot(match, headers);
    const compared = { index, name: stringMember(route, 'name') ?? '', match: describeMatch(match) };
    if (because === undefined) return { taken: { ...compared, route }, passed };
    passed.push({ ...compared, because });
  }
  return { taken: undefined, passed };
}
