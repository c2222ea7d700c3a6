import type { ObjectRef } from '../rules/object-ref.ts';

/** How a text is compared. A regular expression is RE2's, and has to match the whole text. */
export type TextMatch =
  { readonly type: 'exact' | 'prefix' | 'regex'; readonly value: string } | { readonly type: 'present' };

/**
 * How the path of a request, without its query, is compared. `segments` is a prefix of whole segments without a slash at its
 * end: `/v2` is in `/v2` and `/v2/x`, and not in `/v2x`; the empty one is in all.
 */
export interface PathMatch {
  readonly type: 'exact' | 'prefix' | 'regex' | 'segments';
  readonly value: string;
  /** Not for regular expressions. */
  readonly ignoresCase?: boolean;
}

/** How a header or a query parameter is compared. */
export interface NamedMatch {
  /** Of a header, in lower case. */
  readonly name: string;
  readonly match: TextMatch;
  /** Holds if the comparison does not; a comparison of a value fails if there is none. */
  readonly isNegated?: boolean;
}

/** What must be true of a request; all that is given must hold. */
export interface RequestMatch {
  readonly path?: PathMatch;
  readonly method?: TextMatch;
  readonly authority?: TextMatch;
  readonly scheme?: TextMatch;
  readonly headers: readonly NamedMatch[];
  readonly query: readonly NamedMatch[];
  /** Only requests of gRPC. */
  readonly isGrpc?: boolean;
}

/**
 * Changes of headers. `set` replaces what is there, `add` puts a value beside it. Values are formats of Envoy: `%%` is a percent sign, and
 * `%HOSTNAME%` a command.
 */
export interface HeaderChanges {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** By what of a request a consistent hash picks an endpoint. */
export type HashKey =
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'query'; readonly name: string }
  | { readonly type: 'address' }
  /** With a lifetime, a client without the cookie is given one; 0 makes it one of the session. */
  | { readonly type: 'cookie'; readonly name: string; readonly path?: string; readonly ttlMs?: number };

/** A port of a Service, or of a subset of its endpoints. */
export interface Backend {
  /** Key of the Service. */
  readonly service: string;
  /** Its full name in DNS. */
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
}

/** A share of requests. */
export interface Destination {
  /** Undefined for one that does not exist or may not be used: its share is answered with status 500. */
  readonly backend: Backend | undefined;
  /** At least 1; only the proportions count. */
  readonly weight: number;
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
  /** Host header that the backend gets. */
  readonly authority?: string;
  /** By what the backend's load balancer picks an endpoint, if it does so by a hash. */
  readonly hash?: HashKey;
}

/** How the path of a request is changed. */
export type PathRewrite =
  | { readonly type: 'full'; readonly value: string }
  /** Replaces what the match's prefix or exact path has matched, as plain text. */
  | { readonly type: 'matched'; readonly value: string }
  /** Replaces matched segments, so that no slash is doubled and the path never becomes empty. */
  | { readonly type: 'segments'; readonly value: string }
  | { readonly type: 'regex'; readonly pattern: string; readonly substitution: string };

/** When and how often a request is sent again. */
export interface RetryPlan {
  /** Number of retries, beside the first try; 0 for none. */
  readonly attempts: number;
  /** Envoy's conditions, for example `connect-failure`; undefined for those of the mesh's default. */
  readonly conditions?: readonly string[];
  readonly statusCodes: readonly number[];
  readonly perTryMs?: number;
  readonly backoffMs?: number;
  /** Whether a retry may go to an endpoint that has failed already. Default: not while there are others. */
  readonly mayRepeatEndpoint?: boolean;
}

/** A copy of requests, whose answers are dropped. */
export interface Mirror {
  readonly backend: Backend;
  /** Share of the requests in millionths. */
  readonly perMillion: number;
}

/** Requests are given to one of several destinations. */
export interface Forward {
  readonly type: 'forward';
  /** At least one. */
  readonly destinations: readonly Destination[];
  /**
   * Whether requests are shared out, also if at present one destination gets them all. Then what the rule changes of headers comes after what a destination
   * changes, and otherwise before it.
   */
  readonly isShared?: boolean;
  readonly path?: PathRewrite;
  readonly authority?: string;
  /** For the whole request with its retries; undefined for no limit. */
  readonly timeoutMs?: number;
  /** Undefined for the mesh's default: only requests that the application cannot have started to process. */
  readonly retry?: RetryPlan;
  readonly mirrors: readonly Mirror[];
}

/** Requests are answered with another address. */
export interface Redirect {
  readonly type: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme?: string;
  readonly authority?: string;
  /** Left out of the address where it is the scheme's default; undefined keeps that of the request. */
  readonly port?: number;
  readonly path?: PathRewrite;
}

/** Requests are answered by the proxy of the client. */
export interface Answer {
  readonly type: 'answer';
  readonly status: number;
  readonly body?: Uint8Array;
}

/** Faults that are made on purpose. Shares are in millionths of the requests. */
export interface Fault {
  readonly delay?: { readonly ms: number; readonly perMillion: number };
  readonly abort?: {
    readonly status: { readonly type: 'http' | 'grpc'; readonly code: number };
    readonly perMillion: number;
  };
}

/** Cross-origin resource sharing, answered by the proxy of the client. */
export interface Cors {
  readonly origins: readonly Exclude<TextMatch, { readonly type: 'present' }>[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeMs?: number;
  readonly allowsCredentials?: boolean;
  /** Whether preflight requests of other origins reach the application. */
  readonly forwardsOthers: boolean;
}

/** Where something is said. */
export interface Origin {
  readonly ref: ObjectRef;
  /** JSON Pointer (RFC 6901) to the field. */
  readonly field: string;
}

/** What becomes of requests that match. */
export interface RouteRule {
  /** Name in access logs and statistics. */
  readonly name: string;
  readonly origin?: Origin;
  readonly match: RequestMatch;
  readonly action: Forward | Redirect | Answer;
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
  readonly fault?: Fault;
  readonly cors?: Cors;
}

/**
 * What becomes of the requests to one port of a Service: the first rule that matches counts, and a request that none matches is
 * answered with 404.
 */
export interface RoutePlan {
  readonly rules: readonly RouteRule[];
  /** The objects that say so. */
  readonly origins: readonly ObjectRef[];
}
