import type { JsonObject } from '../../../json/json.ts';
import type { PathMatch, Redirect } from '../../plan/route-plan.ts';
import { pathRewrite } from './path-rewrite.ts';

const codes = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
} as const;

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

function action(
  { status, scheme, authority, path }: Redirect,
  match: PathMatch | undefined,
  port?: number,
): JsonObject {
  return {
    ...(scheme === undefined ? {} : { scheme_redirect: scheme }),
    ...(authority === undefined ? {} : { host_redirect: authority }),
    ...(port === undefined ? {} : { port_redirect: port }),
    ...(path?.type === 'full' ? { path_redirect: path.value } : pathRewrite(match, path)),
    response_code: codes[status],
  };
}

const hasPort: JsonObject = { name: ':authority', string_match: { safe_regex: { regex: '.*:[0-9]+' } } };
const hasPort80: JsonObject = { name: ':authority', string_match: { suffix: ':80' } };
const cameByHttp: JsonObject = { name: 'x-forwarded-proto', string_match: { exact: 'https' }, invert_match: true };

/**
 * Returns which hosts of requests would bring a port into the address that is not the wanted one. Envoy keeps it unless it is given another; only
 * where the scheme changes, it takes the default one out, but not of a request without `x-forwarded-proto`.
 */
function unwantedPort(scheme: string, isPortWanted: boolean): readonly JsonObject[] {
  if (scheme === 'https') return isPortWanted ? [hasPort] : [hasPort80, cameByHttp];
  return [hasPort, { ...hasPort80, invert_match: true }];
}

/** An action, and what must hold of a request's headers for it besides the match of its rule. */
export type ConditionalAction = readonly [headers: readonly JsonObject[], action: JsonObject];

/** Returns the actions of a redirection (`RedirectAction`). */
export function redirectActions(redirect: Redirect, match: PathMatch | undefined): readonly ConditionalAction[] {
  const { scheme = 'http', authority, port } = redirect;
  const usual = defaultPorts[scheme];
  const isDefault = port === usual || (port === undefined && scheme === 'https');
  if (!isDefault) return [[[], action(redirect, match, port)]];
  const without: ConditionalAction = [[], action(redirect, match)];
  if (authority !== undefined) return [without];
  return [[unwantedPort(scheme, port !== undefined), action(redirect, match, usual)], without];
}
