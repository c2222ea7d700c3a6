import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { networkOf } from '../resources/access/networks.ts';
import { matchesWhole } from './regular-expression.ts';
import type { Headers } from './request.ts';
import { matchesHeader, matchesText, pathOnly } from './route-match.ts';

/** A connection or request as it arrives at a pod. */
export interface Arrival {
  /** SPIFFE id in the client's certificate; undefined in plain text. */
  readonly identity: string | undefined;
  readonly clientAddress: string;
  readonly address: string;
  readonly port: number;
  readonly serverName: string;
  /** Empty if it is not read as HTTP. */
  readonly headers: Headers;
}

function isInRange(range: JsonObject | undefined, address: string): boolean {
  const [prefix = '', length] = [stringMember(range, 'address_prefix'), member(range, 'prefix_len')];
  if (prefix.includes(':') !== address.includes(':')) return false;
  const text = (one: string): string => networkOf(`${one}/${Number(length)}`).text;
  return text(prefix) === text(address);
}

/** Returns whether a path fits a template of segments: `*` is one, `**` are any. */
function fitsTemplate(template: string, path: string): boolean {
  const parts = template.split(/(\*\*?)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]+' : part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`);
  });
  return matchesWhole(parts.join(''), path);
}

/** The last address that a client has written down as its own, or that of the connection. */
function remoteAddress({ headers, clientAddress }: Arrival): string {
  return headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() ?? clientAddress;
}

/** Evaluates one `envoy.config.rbac.v3.Permission` or `Principal`. One that is not known here would be told wrong. */
function fits(rule: JsonObject, arrival: Arrival): boolean {
  const [[kind, value] = ['', undefined]] = Object.entries(rule);
  const inner = value as JsonObject;
  const path = pathOnly(arrival.headers.get(':path') ?? '');
  const isPath = (test: () => boolean): boolean => arrival.headers.has(':path') && test();
  switch (kind) {
    case 'any':
      return true;
    case 'and_rules':
      return objectsMember(inner, 'rules').every((one) => fits(one, arrival));
    case 'or_rules':
      return objectsMember(inner, 'rules').some((one) => fits(one, arrival));
    case 'and_ids':
      return objectsMember(inner, 'ids').every((one) => fits(one, arrival));
    case 'or_ids':
      return objectsMember(inner, 'ids').some((one) => fits(one, arrival));
    case 'not_rule':
    case 'not_id':
      return !fits(inner, arrival);
    case 'header':
      return matchesHeader(inner, arrival.headers);
    case 'url_path':
      return isPath(() => matchesText(objectMember(inner, 'path') ?? {}, path));
    case 'uri_template': {
      const template = stringMember(objectMember(inner, 'typed_config'), 'path_template') ?? '';
      return isPath(() => fitsTemplate(template, path));
    }
    case 'destination_port':
      return Number(value) === arrival.port;
    case 'destination_ip':
      return isInRange(inner, arrival.address);
    case 'direct_remote_ip':
      return isInRange(inner, arrival.clientAddress);
    case 'remote_ip':
      return isInRange(inner, remoteAddress(arrival));
    case 'requested_server_name':
      return matchesText(inner, arrival.serverName);
    case 'authenticated':
      return (
        arrival.identity !== undefined && matchesText(objectMember(inner, 'principal_name') ?? {}, arrival.identity)
      );
    default:
      throw new Error(`explain does not know ${kind} of a rule of access`);
  }
}

/** Returns the name of a policy of an `envoy.config.rbac.v3.RBAC` that fits. */
function fitting(rbac: JsonObject, arrival: Arrival): string | undefined {
  const policies = Object.entries(objectMember(rbac, 'policies') ?? {}) as readonly (readonly [string, JsonObject])[];
  return policies.find(([, policy]) =>
    ['permissions', 'principals'].every((part) => objectsMember(policy, part).some((one) => fits(one, arrival))),
  )?.[0];
}

/** Whether an arrival is let in. */
export interface AccessDecision {
  readonly isLetIn: boolean;
  /** Name of the rule that lets it in or not; undefined if none fits. */
  readonly rule: string | undefined;
}

/**
 * Decides by what a pod's proxy is told (`envoy.config.rbac.v3.RBAC`): what a rule of `deny` fits is not let in, and of the rest what a rule
 * of `allow` fits, or all if there is no `allow`.
 */
export function decideAccess(
  { deny, allow }: { readonly deny?: JsonObject | undefined; readonly allow?: JsonObject | undefined },
  arrival: Arrival,
): AccessDecision {
  const denied = deny && fitting(deny, arrival);
  if (denied !== undefined) return { isLetIn: false, rule: denied };
  const allowed = allow && fitting(allow, arrival);
  return { isLetIn: allow === undefined || allowed !== undefined, rule: allowed };
}
