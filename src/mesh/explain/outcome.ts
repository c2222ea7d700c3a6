import { member, objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { absent } from '../../envoy/forwarded-proto.ts';
import { locationOf, rewrittenPath } from './location.ts';
import type { Headers } from './request.ts';
import { isGrpc, matchesText } from './route-match.ts';

/** Changes of headers, each in words. */
export interface HeaderWords {
  readonly request: readonly string[];
  readonly response: readonly string[];
}

/** A cluster that gets a share of the requests. */
interface Share {
  readonly cluster: string;
  /** Of 100, rounded to two places. */
  readonly percent: number;
  /** Host header that its servers get, if it is another than that of the others. */
  readonly authority?: string;
  readonly headers: HeaderWords;
}

/** When and how often a request is sent again. */
export interface Retries {
  readonly on: readonly string[];
  /** Beside the first try. */
  readonly attempts: number;
  readonly statusCodes: readonly number[];
  readonly perTryTimeout?: string;
  readonly backoff?: string;
  /** Whether endpoints that have failed are left out while there are others. */
  readonly otherEndpointsFirst: boolean;
}

/** An answer of the client's proxy. */
export interface Answered {
  readonly status: number;
  /** What a client of gRPC is told: the answer is one of status 200 then. */
  readonly grpcStatus?: number;
}

/** Requests that fail or wait on purpose; shares are of 100. */
export interface Faults {
  readonly delay?: { readonly duration: string; readonly percent: number };
  readonly abort?: Answered & { readonly percent: number };
}

/** A request is sent to one of the clusters. */
export interface Forwarded {
  readonly type: 'forward';
  readonly shares: readonly Share[];
  /** The answer if the cluster that is picked does not exist. */
  readonly withoutCluster: Answered;
  /** Path, with its query, and Host header that the server gets. */
  readonly path: string;
  readonly authority: string;
  /** Of the whole request with its retries; undefined means none. */
  readonly timeout?: string;
  readonly retries?: Retries;
  /** By what an endpoint is picked, where the cluster picks by a hash. */
  readonly hashOf: readonly string[];
  readonly mirrors: readonly { readonly cluster: string; readonly percent: number }[];
  readonly faults: Faults;
  readonly headers: HeaderWords;
}

/** What becomes of a request at the client's proxy. */
export type Outcome =
  | Forwarded
  | (Answered & { readonly type: 'redirect'; readonly location: string | undefined })
  | (Answered & { readonly type: 'answer'; readonly why: 'direct response' | 'preflight' | 'no route' | 'no HTTP' });

const redirectCodes: Readonly<Record<string, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

const notFoundCodes: Readonly<Record<string, number>> = {
  SERVICE_UNAVAILABLE: 503,
  NOT_FOUND: 404,
  INTERNAL_SERVER_ERROR: 500,
};

/** What Envoy tells a client of gRPC instead of a status of HTTP; UNKNOWN (2) for all others. */
const grpcStatuses: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/** Returns an answer of the proxy with a status. */
function answered(status: number, headers: Headers): Answered {
  return isGrpc(headers) ? { status, grpcStatus: grpcStatuses[status] ?? 2 } : { status };
}

/** Returns an abort with a status of gRPC, which is none for other clients. */
function abortedGrpc(grpcStatus: number, headers: Headers): Answered {
  return isGrpc(headers) ? { status: 200, grpcStatus } : { status: 200 };
}

function numbers(value: Json | undefined): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

const denominators: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** Returns an `envoy.type.v3.FractionalPercent` as a share of 100. */
function percentOf(fraction: JsonObject | undefined): number {
  const denominator = denominators[stringMember(fraction, 'denominator') ?? 'HUNDRED'] ?? 100;
  return (Number(member(fraction, 'numerator') ?? 0) / denominator) * 100;
}

function headerWords(holder: JsonObject): HeaderWords {
  const words = (of: keyof HeaderWords): readonly string[] => [
    ...texts(member(holder, `${of}_headers_to_remove`)).map((name) => `remove ${name}`),
    ...objectsMember(holder, `${of}_headers_to_add`).map((option) => {
      const header = objectMember(option, 'header');
      const verb = stringMember(option, 'append_action') === 'OVERWRITE_IF_EXISTS_OR_ADD' ? 'set' : 'add';
      return `${verb} ${stringMember(header, 'key') ?? ''}: ${stringMember(header, 'value') ?? ''}`;
    }),
  ];
  return { request: words('request'), response: words('response') };
}

/** Leaves out that a mark is taken away which no application has written. */
function withoutMark(words: HeaderWords, headers: Headers): HeaderWords {
  if (headers.get('x-forwarded-proto') !== absent) return words;
  return { ...words, request: words.request.filter((one) => one !== 'remove x-forwarded-proto') };
}

function sharesOf(action: JsonObject): readonly Share[] {
  const only = stringMember(action, 'cluster');
  if (only !== undefined) return [{ cluster: only, percent: 100, headers: { request: [], response: [] } }];
  const clusters = objectsMember(objectMember(action, 'weighted_clusters'), 'clusters');
  const weightOf = (one: JsonObject): number => Number(member(one, 'weight') ?? 0);
  const sum = clusters.reduce((total, one) => total + weightOf(one), 0);
  return clusters.map((one) => {
    const authority = stringMember(one, 'host_rewrite_literal');
    return {
      cluster: stringMember(one, 'name') ?? '',
      percent: Math.round((weightOf(one) / sum) * 10_000) / 100,
      ...(authority === undefined ? {} : { authority }),
      headers: headerWords(one),
    };
  });
}

/** Returns a time, unless it is that for none. */
function limit(time: string | undefined): string | undefined {
  return time === '0s' ? undefined : time;
}

function retriesOf(action: JsonObject): Retries | undefined {
  const policy = objectMember(action, 'retry_policy');
  if (policy === undefined) return undefined;
  const perTryTimeout = stringMember(policy, 'per_try_timeout');
  const backoff = stringMember(objectMember(policy, 'retry_back_off'), 'base_interval');
  return {
    on: (stringMember(policy, 'retry_on') ?? '').split(','),
    attempts: Number(member(policy, 'num_retries') ?? 1),
    statusCodes: numbers(member(policy, 'retriable_status_codes')),
    ...(perTryTimeout === undefined ? {} : { perTryTimeout }),
    ...(backoff === undefined ? {} : { backoff }),
    otherEndpointsFirst: objectsMember(policy, 'retry_host_predicate').length > 0,
  };
}

function hashWords(policy: JsonObject): string {
  const [[kind, key] = ['', undefined]] = Object.entries(policy);
  const name = stringMember(key as JsonObject, kind === 'header' ? 'header_name' : 'name');
  return name === undefined ? "the client's address" : `${kind.replace('_', ' ')} ${name}`;
}

function filterConfig(route: JsonObject, filter: string): JsonObject | undefined {
  return objectMember(objectMember(route, 'typed_per_filter_config'), filter);
}

function faultsOf(route: JsonObject, headers: Headers): Faults {
  const fault = filterConfig(route, 'fault');
  const [delay, abort] = ['delay', 'abort'].map((name) => objectMember(fault, name));
  const percent = (one: JsonObject): number => percentOf(objectMember(one, 'percentage'));
  const [http, grpc] = ['http_status', 'grpc_status'].map((key) => member(abort, key));
  return {
    ...(delay === undefined
      ? {}
      : { delay: { duration: stringMember(delay, 'fixed_delay') ?? '', percent: percent(delay) } }),
    ...(abort === undefined
      ? {}
      : {
          abort: {
            ...(grpc === undefined ? answered(Number(http), headers) : abortedGrpc(Number(grpc), headers)),
            percent: percent(abort),
          },
        }),
  };
}

/** Whether the proxy answers a request by itself, as one that asks whether another may be made (CORS). */
function isAnsweredPreflight(route: JsonObject, headers: Headers): boolean {
  const cors = filterConfig(route, 'cors');
  const origin = headers.get('origin') ?? '';
  const asked = headers.get('access-control-request-method') ?? '';
  if (cors === undefined || headers.get(':method') !== 'OPTIONS' || origin === '' || asked === '') return false;
  const isAllowed = objectsMember(cors, 'allow_origin_string_match').some((one) => matchesText(one, origin));
  return isAllowed || member(cors, 'forward_not_matching_preflights') === false;
}

function forwarded(route: JsonObject, action: JsonObject, headers: Headers): Forwarded {
  const whole = headers.get(':path') ?? '';
  const stream = objectMember(action, 'max_stream_duration');
  const timeout = limit(stringMember(stream, 'max_stream_duration') ?? stringMember(action, 'timeout'));
  const retries = retriesOf(action);
  return {
    type: 'forward',
    shares: sharesOf(action),
    withoutCluster: answered(
      notFoundCodes[stringMember(action, 'cluster_not_found_response_code') ?? ''] ?? 503,
      headers,
    ),
    path: rewrittenPath(action, objectMember(route, 'match') ?? {}, whole),
    authority: stringMember(action, 'host_rewrite_literal') ?? headers.get(':authority') ?? '',
    ...(timeout === undefined ? {} : { timeout }),
    ...(retries === undefined ? {} : { retries }),
    hashOf: objectsMember(action, 'hash_policy').map(hashWords),
    mirrors: objectsMember(action, 'request_mirror_policies').map((mirror) => ({
      cluster: stringMember(mirror, 'cluster') ?? '',
      percent: percentOf(objectMember(objectMember(mirror, 'runtime_fraction'), 'default_value')),
    })),
    faults: faultsOf(route, headers),
    headers: withoutMark(headerWords(route), headers),
  };
}

/** Returns what an `envoy.config.route.v3.Route` does with a request that it has matched; undefined is that none has. */
export function outcomeOf(route: JsonObject | undefined, headers: Headers): Outcome {
  if (route === undefined) return { type: 'answer', why: 'no route', ...answered(404, headers) };
  if (isAnsweredPreflight(route, headers)) return { type: 'answer', status: 200, why: 'preflight' };
  const redirect = objectMember(route, 'redirect');
  if (redirect !== undefined) {
    const status = redirectCodes[stringMember(redirect, 'response_code') ?? 'MOVED_PERMANENTLY'] ?? 301;
    const location = locationOf(redirect, objectMember(route, 'match') ?? {}, headers);
    return { type: 'redirect', location, ...answered(status, headers) };
  }
  const answer = objectMember(route, 'direct_response');
  if (answer !== undefined) {
    return { type: 'answer', why: 'direct response', ...answered(Number(member(answer, 'status')), headers) };
  }
  return forwarded(route, objectMember(route, 'route') ?? {}, headers);
}
