import { objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { Headers } from './request.ts';
import { matchesHeader } from './route-match.ts';

/**
 * Returns the names of the limits that a request counts in.
 *
 * @param told what a route says to the filter of limits; undefined if it says nothing
 */
export function countingLimits(told: JsonObject | undefined, headers: Headers): ReadonlySet<string> {
  return new Set(
    objectsMember(told, 'rate_limits').flatMap((one) => {
      const [action] = objectsMember(one, 'actions');
      const [match, all] = [objectMember(action, 'header_value_match'), objectMember(action, 'generic_key')];
      const fits = objectsMember(match, 'headers').every((matcher) => matchesHeader(matcher, headers));
      return fits ? (stringMember(match ?? all, 'descriptor_value') ?? []) : [];
    }),
  );
}
