import type { JsonObject } from '../../../json/json.ts';
import type { ClientAttribute, Condition, RequestAttribute } from '../../plan/access-plan.ts';
import { oneOf, possiblyOneOf, surelyOneOf } from './path-match.ts';
import { identityMatcher } from './identities.ts';
import { headerMatcher, stringMatcher, textMatcher } from './text-match.ts';

/** Returns a `CidrRange` of an address or a range. */
function cidrRange(block: string): JsonObject {
  const [address_prefix = '', length] = block.split('/');
  const whole = address_prefix.includes(':') ? 128 : 32;
  return { address_prefix, prefix_len: length === undefined ? whole : Number(length) };
}

function clientOf(
  { attribute, name = '' }: Condition<ClientAttribute>,
  value: string,
  trustDomain: string,
): JsonObject {
  switch (attribute) {
    case 'principal':
    case 'namespace':
    case 'serviceAccount':
    case 'trustDomain':
      // Without a certificate it fits nobody.
      return { authenticated: { principal_name: stringMatcher(identityMatcher(attribute, value, trustDomain)) } };
    case 'peerIp':
      return { direct_remote_ip: cidrRange(value) };
    case 'remoteIp':
      return { remote_ip: cidrRange(value) };
    case 'header':
      return { header: headerMatcher(name, value) };
  }
}

function requestOf(attribute: Exclude<RequestAttribute, 'path'>, value: string): JsonObject {
  switch (attribute) {
    case 'host':
      return { header: headerMatcher(':authority', value, true) };
    case 'method':
      return { header: headerMatcher(':method', value) };
    case 'port':
      return { destination_port: Number(value) };
    case 'destinationIp':
      return { destination_ip: cidrRange(value) };
    case 'serverName':
      return {
        requested_server_name: value === '*' ? { safe_regex: { regex: '.+' } } : stringMatcher(textMatcher(value)),
      };
  }
}

/** Returns the `Principal`s of a condition on clients, all of which have to fit. */
export function principalsOf(condition: Condition<ClientAttribute>, trustDomain: string): readonly JsonObject[] {
  const some = (values: readonly string[]): JsonObject => {
    const all = values.map((value) => clientOf(condition, value, trustDomain));
    const [first] = all;
    return first !== undefined && all.length === 1 ? first : { or_ids: { ids: all } };
  };
  const { values, notValues } = condition;
  return [
    ...(values.length === 0 ? [] : [some(values)]),
    ...(notValues.length === 0 ? [] : [{ not_id: some(notValues) }]),
  ];
}

/**
 * Returns the `Permission`s of a condition on requests, all of which have to fit.
 *
 * @param isForbidding whether what fits is not let through: paths that can be read in several ways then fit rather than not
 */
export function permissionsOf(
  { attribute, values, notValues }: Condition<RequestAttribute>,
  isForbidding: boolean,
): readonly JsonObject[] {
  const some = (list: readonly string[], fitsRather: boolean): JsonObject => {
    if (attribute !== 'path') return oneOf(list.map((value) => requestOf(attribute, value)));
    return fitsRather ? possiblyOneOf(list) : surelyOneOf(list);
  };
  return [
    ...(values.length === 0 ? [] : [some(values, isForbidding)]),
    ...(notValues.length === 0 ? [] : [{ not_rule: some(notValues, !isForbidding) }]),
  ];
}
