import { quote } from '../../../../grammar/problem.ts';
import type { Connection } from '../../../../mesh/explain/listener-walk.ts';
import type { Request } from '../../../../mesh/explain/request.ts';
import { usageFailure, type Failure } from '../../../io.ts';
import type { ExplainCallOptions } from './options.ts';

/** A client as SRC names it. */
export interface WrittenClient {
  /** In lower case, in the singular. */
  readonly kind: string;
  readonly name: string;
}

/** A call as DST and the options say it. */
export interface WrittenCall {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly speaks: Connection['speaks'];
  readonly request: Request;
}

/** Short and plural forms that kubectl takes. */
const kinds: Readonly<Record<string, string>> = {
  po: 'pod',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  cj: 'cronjob',
};

/** Reads SRC. */
export function readClient(text: string): WrittenClient | Failure {
  const [, kind = '', name = ''] = /^([A-Za-z]+)\/([a-z0-9]([-a-z0-9.]*[a-z0-9])?)$/.exec(text) ?? [];
  if (kind === '') {
    const remedy = 'write KIND/NAME and the namespace with -n, such as pod/web-1 -n shop or deploy/web -n shop';
    return usageFailure(`SRC: ${quote(text)} is not a client`, remedy);
  }
  const lower = kind.toLowerCase();
  return { kind: kinds[lower] ?? lower.replace(/s$/, ''), name };
}

/** What schemes say of a call; a port of 0 has to be given. */
const schemes: Readonly<Record<string, { readonly port: number; readonly speaks: Connection['speaks'] }>> = {
  http: { port: 80, speaks: 'http' },
  https: { port: 443, speaks: 'tls' },
  grpc: { port: 0, speaks: 'http' },
  tcp: { port: 0, speaks: 'bytes' },
};

const grpcHeaders = [
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
] as const;

function readHeaders(texts: readonly string[]): Request['headers'] | Failure {
  const headers: (readonly [string, string])[] = [];
  for (const text of texts) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\dA-Za-z-]+)=([^\r\n]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined)
      return usageFailure(`--header: ${quote(text)} is not a header`, 'write NAME=VALUE, such as x-canary=yes');
    headers.push([name.toLowerCase(), value]);
  }
  return headers;
}

/** Reads DST and the options of its request. */
export function readCall(text: string, options: ExplainCallOptions): WrittenCall | Failure {
  const form = /^(?:([a-z]+):\/\/)?(\[[\da-fA-F:.]+\]|[^\s/:?#[\]]+)(?::(\d{1,5}))?([/?][^#\s]*)?$/;
  const [, scheme = 'http', written, number, rest] = form.exec(text) ?? [];
  const known = schemes[scheme];
  if (written === undefined)
    return usageFailure(
      `DST: ${quote(text)} is not a destination`,
      'write a URL or HOST:PORT, such as http://reviews:9080/api',
    );
  if (known === undefined)
    return usageFailure(`DST: ${quote(scheme)} is not a scheme`, `use one of ${Object.keys(schemes).join(', ')}`);
  const port = number === undefined ? known.port : Number(number);
  if (port < 1 || port > 65_535)
    return usageFailure(`DST: ${quote(text)} has no port`, `write the port, such as ${scheme}://${written}:9080`);
  if (rest !== undefined && options.path !== undefined)
    return usageFailure('--path: DST has a path, too', 'give one of the two');
  const path = rest ?? options.path ?? '/';
  const headers = readHeaders(options.header ?? []);
  if ('problems' in headers) return headers;
  const isUsual = port === known.port;
  const isGrpc = scheme === 'grpc';
  const method = (options.method ?? (isGrpc ? 'POST' : 'GET')).toUpperCase();
  if (!/^[!#$%&'*+.^_`|~\dA-Z-]+$/.test(method))
    return usageFailure(`--method: ${quote(options.method ?? '')} is not a method`, 'write one such as POST');
  const host = headers.find(([name]) => name === 'host')?.[1];
  return {
    scheme,
    host: written.replaceAll(/[[\]]/g, ''),
    port,
    speaks: known.speaks,
    request: {
      method,
      path: path.startsWith('/') ? path : `/${path}`,
      authority: host ?? (isUsual ? written : `${written}:${port}`),
      headers: [...(isGrpc ? grpcHeaders : []), ...headers.filter(([name]) => name !== 'host')],
      isHttp2: isGrpc,
    },
  };
}
