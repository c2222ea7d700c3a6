import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';

/** A request as a client's application sends it. */
export interface Request {
  readonly method: string;
  /** With its query; empty for CONNECT. */
  readonly path: string;
  readonly authority: string;
  /** All others, in any case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Whether it comes by HTTP/2, where requests have a scheme. Default: HTTP/1.1. */
  readonly isHttp2?: boolean;
}

/** Headers by name in lower case, those of HTTP/2 (`:path`) among them; several of one name are joined by commas. */
export type Headers = ReadonlyMap<string, string>;

/** Envoy has the Host header under the name that it has in HTTP/2. */
export function headerName(name: string): string {
  const lower = name.toLowerCase();
  return lower === 'host' ? ':authority' : lower;
}

/** Writes `%REQ(name)%`, the only command in early mutations; undefined if there is no such header. */
function formatted(value: string, headers: Headers): string | undefined {
  const copied = /^%REQ\(([^)]+)\)%$/.exec(value)?.[1];
  return copied === undefined ? value : headers.get(headerName(copied));
}

function mutate(headers: Map<string, string>, mutation: JsonObject): void {
  const removed = stringMember(mutation, 'remove');
  if (removed !== undefined) headers.delete(headerName(removed));
  const append = objectMember(mutation, 'append');
  const header = objectMember(append, 'header');
  if (header === undefined) return;
  const name = headerName(stringMember(header, 'key') ?? '');
  const value = formatted(stringMember(header, 'value') ?? '', headers);
  const isKept = member(append, 'append_action') === 'ADD_IF_ABSENT' && headers.has(name);
  if (value !== undefined && !isKept) headers.set(name, value);
}

/** Returns the headers by which a connection manager looks for a route: those of the request after its early mutations. */
export function headersAtRoutes(manager: JsonObject, request: Request): Headers {
  const headers = new Map<string, string>();
  const pseudo = { ':method': request.method, ':authority': request.authority, ':path': request.path };
  for (const [name, value] of [...Object.entries(pseudo), ...request.headers]) {
    const key = headerName(name);
    const before = headers.get(key);
    if (key === ':path' && value === '') continue;
    headers.set(key, before === undefined || key.startsWith(':') ? value : `${before},${value}`);
  }
  if (request.isHttp2 === true) headers.set(':scheme', 'http');
  for (const extension of objectsMember(manager, 'early_header_mutation_extensions')) {
    for (const mutation of objectsMember(objectMember(extension, 'typed_config'), 'mutations'))
      mutate(headers, mutation);
  }
  const told = headers.get('x-forwarded-proto')?.toLowerCase() ?? '';
  if (!headers.has(':scheme')) headers.set(':scheme', ['http', 'https'].includes(told) ? told : 'http');
  return headers;
}
