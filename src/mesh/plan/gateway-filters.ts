import type { CorsFilter, HeaderModifier, HttpFilter, PathModifier } from '../rules/gateway-filters.ts';
import type { Cors, HeaderChanges, PathRewrite, Redirect } from './route-plan.ts';

/** Returns the entries whose name is not that of an earlier one. */
export function firstOfName<T extends { readonly name: string }>(entries: readonly T[]): readonly T[] {
  return entries.filter(({ name }, index) => entries.findIndex((other) => other.name === name) === index);
}

/** Values are text here: a percent sign is one. */
function headerChanges({ set, add, remove }: HeaderModifier): HeaderChanges {
  const pairs = (entries: HeaderModifier['set']) =>
    firstOfName(entries).map(({ name, value }): readonly [string, string] => [name, value.replaceAll('%', '%%')]);
  return { set: pairs(set), add: pairs(add), remove };
}

/** A filter that changes headers. */
type HeaderFilter = Pick<HttpFilter, 'requestHeaderModifier' | 'responseHeaderModifier'>;

/** Returns what filters change of headers. */
export function headersOf(filters: readonly HeaderFilter[]): {
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
} {
  const request = filters.find((filter) => filter.requestHeaderModifier !== undefined)?.requestHeaderModifier;
  const response = filters.find((filter) => filter.responseHeaderModifier !== undefined)?.responseHeaderModifier;
  return {
    ...(request !== undefined && { requestHeaders: headerChanges(request) }),
    ...(response !== undefined && { responseHeaders: headerChanges(response) }),
  };
}

/** Returns a prefix of whole segments without the slash at its end, which makes no difference. */
export function segmentsOf(prefix: string): string {
  return prefix.replace(/\/$/, '');
}

/** Returns how a filter changes the path. */
export function pathRewrite({ replaceFullPath, replacePrefixMatch = '' }: PathModifier): PathRewrite {
  if (replaceFullPath !== undefined) return { type: 'full', value: replaceFullPath };
  return { type: 'segments', value: segmentsOf(replacePrefixMatch) };
}

const portOfScheme = { http: 80, https: 443 } as const;

/**
 * Returns the answer of a redirect. Without a port, it is the one of the scheme that the filter names, or else the one that was called
 * (HTTPRequestRedirectFilter of Gateway API).
 */
export function redirectOf(
  { scheme, hostname, path, port, statusCode }: NonNullable<HttpFilter['requestRedirect']>,
  calledPort: number,
): Redirect {
  return {
    type: 'redirect',
    status: statusCode,
    port: port ?? (scheme === undefined ? calledPort : portOfScheme[scheme]),
    ...(scheme !== undefined && { scheme }),
    ...(hostname !== undefined && { authority: hostname }),
    ...(path !== undefined && { path: pathRewrite(path) }),
  };
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/** Browsers leave out the port that is the scheme's. A `*` in the host stands for any number of labels. */
function originMatch(origin: string): Cors['origins'][number] {
  if (origin === '*') return { type: 'regex', value: '.*' };
  const sent = origin.replace(/^(?<start>http:.*):80$|^(?<secure>https:.*):443$/, '$<start>$<secure>');
  if (!sent.includes('*')) return { type: 'exact', value: sent };
  return { type: 'regex', value: sent.replaceAll('.', String.raw`\.`).replaceAll('*', '[^/:]+') };
}

/** Returns what a filter says of cross-origin requests; preflight requests of other origins never reach the application. */
export function corsOf(filter: CorsFilter): Cors {
  const allowsCredentials = filter.allowCredentials === true;
  // With credentials, browsers take * as the name of a method.
  const isAnyMethod = allowsCredentials && filter.allowMethods.includes('*');
  return {
    origins: filter.allowOrigins.map(originMatch),
    methods: isAnyMethod ? methods : filter.allowMethods,
    headers: filter.allowHeaders,
    exposed: filter.exposeHeaders,
    maxAgeMs: filter.maxAge * 1000,
    allowsCredentials,
    forwardsOthers: false,
  };
}
