import { request as requestHttp } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import { isObject, type Json, type JsonObject } from '../json/json.ts';
import { ApiError, errorOfStatus, errorOfTransport } from './api-error.ts';
import { loadCredentials } from './credentials.ts';

/** A response of the API server. */
export interface ApiAnswer {
  /** The object as received, including fields that this program does not know. */
  readonly body: JsonObject;
  /** Time of the API server, if it sent a `Date` header. */
  readonly serverTime?: Date;
}

/** How a stream of lines is read. */
export interface StreamOptions {
  /** Ends the call. */
  readonly signal: AbortSignal;
  /** Time without a byte after which the call fails with `timeout`. */
  readonly inactivityMs: number;
}

/** The calls of this program, on raw JSON. They reject only with an `ApiError`. */
export interface ApiClient {
  get(path: string): Promise<ApiAnswer>;
  /** Creates an object, or asks a question that is put as one. */
  post(path: string, body: JsonObject): Promise<ApiAnswer>;
  /** Replaces an object. Its `metadata.resourceVersion` makes this a compare-and-swap (409 is `conflict`). */
  put(path: string, body: JsonObject): Promise<ApiAnswer>;
  /** Sends a JSON Patch. A failed `test` operation is `invalid` (422). */
  patch(path: string, operations: readonly JsonObject[]): Promise<ApiAnswer>;
  /**
   * Reads the lines of a response while they arrive, as a watch sends them. Resolves when the server ends the response or
   * the signal aborts it.
   */
  stream(path: string, onLine: (line: string) => void, options: StreamOptions): Promise<void>;
  /** Aborts running calls; later calls reject. */
  close(): void;
}

export interface ConnectOptions {
  /** Path of a kubeconfig file, or of several that are one; the default is the pod's service account. */
  readonly kubeconfig?: string | readonly string[];
  /** Context of the kubeconfig; the default is the current one. */
  readonly context?: string;
  /** Time limit of one call, from name resolution to the last byte. */
  readonly timeoutMs?: number;
}

/** Well above the largest object that an API server stores, about 1.5 MiB. */
const answerLimitBytes = 8 * 1024 * 1024;

/** Loads the credentials. The API server is contacted by the first call, not here. */
export async function connect(options: ConnectOptions = {}): Promise<ApiClient> {
  const { kubeconfig, context, timeoutMs = 10_000 } = options;
  const credentials = await loadCredentials(kubeconfig, context);
  const closing = new AbortController();

  async function call(method: string, path: string, contentType?: string, content?: Json): Promise<ApiAnswer> {
    const what = `${method} ${path}`;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const body = content === undefined ? undefined : Buffer.from(JSON.stringify(content));
      const target = targetOf(credentials.server, path);
      // Keys of tokens come under a type of their own.
      const accept = 'application/json, application/jwk-set+json';
      const headers: Record<string, string> = { accept, 'user-agent': 'sidecar-injector' };
      if (body !== undefined) headers['content-length'] = String(body.length);
      if (contentType !== undefined) headers['content-type'] = contentType;
      const signal = AbortSignal.any([timeout, closing.signal]);
      const request: RequestOptions = { ...target, method, headers, signal };
      await credentials.authorize(request);
      return await send(what, credentials.server.protocol === 'http:', request, body);
    } catch (error) {
      if (closing.signal.aborted) throw new ApiError('unreachable', `${what}: the client was closed`);
      if (timeout.aborted) {
        throw new ApiError('timeout', `${what}: no answer from ${credentials.address} within ${timeoutMs} ms`);
      }
      throw errorOfTransport(what, credentials.address, error);
    }
  }

  async function stream(path: string, onLine: (line: string) => void, options: StreamOptions): Promise<void> {
    const what = `GET ${path}`;
    const quiet = new AbortController();
    const timer = setTimeout(() => quiet.abort(), options.inactivityMs);
    try {
      const signal = AbortSignal.any([options.signal, quiet.signal, closing.signal]);
      const headers = { accept: 'application/json', 'user-agent': 'sidecar-injector' };
      const request: RequestOptions = { ...targetOf(credentials.server, path), method: 'GET', headers, signal };
      await credentials.authorize(request);
      await receiveLines(what, credentials.server.protocol === 'http:', request, onLine, () => timer.refresh());
    } catch (error) {
      if (options.signal.aborted) return;
      if (closing.signal.aborted) throw new ApiError('unreachable', `${what}: the client was closed`);
      if (quiet.signal.aborted) {
        throw new ApiError('timeout', `${what}: nothing from ${credentials.address} for ${options.inactivityMs} ms`);
      }
      throw errorOfTransport(what, credentials.address, error);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    get: (path) => call('GET', path),
    stream,
    post: (path, body) => call('POST', path, 'application/json', body),
    put: (path, body) => call('PUT', path, 'application/json', body),
    patch: (path, operations) => call('PATCH', path, 'application/json-patch+json', operations),
    close: () => closing.abort(),
  };
}

/** Validates a name as one segment of a path. Names can come from users and must not address another object. */
export function pathSegment(kind: string, name: string): string {
  // A DNS-1123 subdomain, the most permissive rule among the kinds that are read here.
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return name;
  const rule = 'must be 1 to 253 lower case letters, digits, dashes and dots, with a letter or digit at both ends';
  throw new ApiError('invalid', `the ${kind} name '${name}' ${rule}`);
}

function targetOf(server: URL, path: string): RequestOptions {
  const hostname = server.hostname.replace(/^\[(.*)\]$/, '$1');
  const base = server.pathname.replace(/\/$/, '');
  return { hostname, port: server.port === '' ? defaultPort(server) : server.port, path: `${base}${path}` };
}

function defaultPort(server: URL): string {
  return server.protocol === 'http:' ? '80' : '443';
}

async function send(
  what: string,
  isPlain: boolean,
  options: RequestOptions,
  body: Buffer | undefined,
): Promise<ApiAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const request = (isPlain ? requestHttp : requestHttps)(options, (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > answerLimitBytes) {
        response.destroy(new ApiError('bad-answer', `${what}: the answer is larger than ${answerLimitBytes} bytes`));
      }
    });
    response.on('error', reject);
    response.on('end', () => {
      const status = response.statusCode ?? 0;
      const parsed = parseJson(Buffer.concat(chunks).toString('utf8'));
      if (status < 200 || status > 299) {
        reject(errorOfStatus(what, status, parsed));
      } else if (isObject(parsed)) {
        const date = new Date(response.headers.date ?? '');
        resolve({ body: parsed, ...(!Number.isNaN(date.getTime()) && { serverTime: date }) });
      } else {
        reject(new ApiError('bad-answer', `${what}: the answer is not a JSON object`, { statusCode: status }));
      }
    });
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}

/** Longest line of a stream; an object of the API server has at most about 1.5 MiB. */
const lineLimitBytes = answerLimitBytes;

async function receiveLines(
  what: string,
  isPlain: boolean,
  options: RequestOptions,
  onLine: (line: string) => void,
  onBytes: () => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = (isPlain ? requestHttp : requestHttps)(options, (response) => {
    const status = response.statusCode ?? 0;
    const decoder = new TextDecoder();
    let rest = '';
    response.on('data', (chunk: Buffer) => {
      onBytes();
      rest += decoder.decode(chunk, { stream: true });
      if (status !== 200) return;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > lineLimitBytes) {
        response.destroy(new ApiError('bad-answer', `${what}: a line is longer than ${lineLimitBytes} characters`));
      }
      for (const line of lines) if (line !== '') onLine(line);
    });
    response.on('error', reject);
    response.on('end', () => {
      if (status !== 200) reject(errorOfStatus(what, status, parseJson(rest)));
      // A line that is cut off would otherwise be lost in silence.
      else if (rest.trim() !== '') reject(new ApiError('bad-answer', `${what}: the answer ends within a line`));
      else resolve();
    });
  });
  request.on('error', reject);
  request.end();
  return promise;
}

function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
