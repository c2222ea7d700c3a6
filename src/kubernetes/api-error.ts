import { isObject, type Json, stringMember } from '../json/json.ts';

/** Code for why a call failed. */
export type ApiErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'tls'
  | 'credentials'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'refused'
  | 'server-error'
  | 'bad-answer';

const codesByStatus: ReadonlyMap<number, ApiErrorCode> = new Map([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [409, 'conflict'],
  [422, 'invalid'],
]);

const longestReason = 300;

/** A failed call to the API server. The message is safe to log: it contains no credentials. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  /** HTTP status; undefined if there was no response. */
  readonly statusCode: number | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    more: { readonly statusCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.statusCode = more.statusCode;
  }
}

/** Whether the error is an `ApiError` with one of these codes. */
export function isApiError(error: unknown, ...codes: readonly ApiErrorCode[]): error is ApiError {
  return error instanceof ApiError && codes.includes(error.code);
}

/** The error of a response that is not 2xx, with the message of the Status object that the API server sent. */
export function errorOfStatus(what: string, statusCode: number, body: Json | undefined): ApiError {
  const reason = isObject(body) ? stringMember(body, 'message') : undefined;
  const code = codesByStatus.get(statusCode) ?? (statusCode >= 500 ? 'server-error' : 'refused');
  const suffix = reason === undefined ? '' : `: ${printable(reason)}`;
  return new ApiError(code, `${what}: the API server answered ${statusCode}${suffix}`, { statusCode });
}

/**
 * The error of a call without a response. It prefers Node's error code, because Node's message may quote the request.
 */
export function errorOfTransport(what: string, server: string, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const cause = textMember(error, 'code') ?? '';
  const message = messageOf(error);
  if (/^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(cause)) {
    return new ApiError('tls', `${what}: TLS with ${server} failed: ${printable(message)}`, { cause: error });
  }
  const detail = cause === '' ? printable(message) : cause;
  return new ApiError('unreachable', `${what}: no answer from ${server}: ${detail}`, { cause: error });
}

/** The first line of the message of a thrown value; later lines may quote input. */
export function messageOf(error: unknown): string {
  return (textMember(error, 'message') ?? String(error)).split('\n')[0] ?? '';
}

/** Reads the member by name, because Node's own errors are not `instanceof Error` in every realm. */
function textMember(error: unknown, key: 'code' | 'message'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value: unknown = Reflect.get(error, key);
  return typeof value === 'string' ? value : undefined;
}

function printable(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').replaceAll(/\p{Cc}/gu, '');
  return flat.length > longestReason ? `${flat.slice(0, longestReason)}…` : flat;
}
