import type { JsonObject } from '../../../json/json.ts';
import type { ClientAttribute, Condition, RequestAttribute } from '../../plan/access-plan.ts';
import { oneOf, possiblyOneOf, surelyOneOf } from './path-match.ts';
import { cidrRange, escaped, headerMatcher, textMatcher } from './text-match.ts';

const scheme = 'spiffe://';

/** Istio's name for the trust domain of the mesh, whatever it is called. */
const ownDomain = 'cluster.local';

/** Returns a `Principal` by the SPIFFE id in the client's certificate; without a certificate it fits nobody. */
function byIdentity(principal_name: JsonObject): JsonObject {
  return { authenticated: { principal_name } };
}

function byPrincipal(pattern: string, trustDomain: string): JsonObject {
  const parts = pattern.split('/');
  const own = parts.length === 5 && parts[0] === ownDomain ? [trustDomain, ...parts.slice(1)].join('/') : pattern;
  const matcher = textMatcher(own);
  if (matcher === undefined) return byIdentity({ prefix: scheme });
  if ('suffix' in matcher) return byIdentity({ safe_regex: { regex: `${scheme}.*${escaped(own.slice(1))}` } });
  return byIdentity({ [own.endsWith('*') ? 'prefix' : 'exact']: `${scheme}${own.replace(/\*$/, '')}` });
}

function byNamespace(pattern: string): JsonObject {
  const at = pattern.indexOf('*');
  if (at < 0) return byIdentity({ contains: `/ns/${pattern}/` });
  if (at === pattern.length - 1) return byIdentity({ contains: `/ns/${pattern.slice(0, -1)}` });
  return byIdentity({ safe_regex: { regex: `.*/ns/${pattern.split('*').map(escaped).join('.*')}/.*` } });
}

function byServiceAccount(account: string): JsonObject {
  return byIdentity({ suffix: `/ns/${account.replace('/', '/sa/')}` });
}

function byTrustDomain(pattern: string): JsonObject {
  if (pattern === '*') return byIdentity({ prefix: scheme });
  if (!pattern.includes('*')) return byIdentity({ prefix: `${scheme}${pattern}/` });
  return byIdentity({ safe_regex: { regex: `${scheme}${pattern.split('*').map(escaped).join('[^/]*')}/.*` } });
}

function clientOf(
  { attribute, name = '' }: Condition<ClientAttribute>,
  value: string,
  trustDomain: string,
): JsonObject {
  switch (attribute) {
    case 'principal':
      return byPrincipal(value, trustDomain);
    case 'namespace':
      return byNamespace(value);
    case 'serviceAccount':
      return byServiceAccount(value);
    case 'trustDomain':
      return byTrustDomain(value);
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
      return { requested_server_name: textMatcher(value) ?? { safe_regex: { regex: '.+' } } };
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
