import { request as requestHttp } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import { isObject, type Json, type JsonObject } from '../json/json.ts';
import { ApiError, errorOfStatus, errorOfTransport } from './api-error.ts';
import { loadCredentials } from './credentials.ts';

/** An answer of the API server. */
export interface ApiAnswer {
  /** The object as it came over the wire, with the fields that this program does not know. */
  readonly body: JsonObject;
  /** The API server's clock, when it told it. */
  readonly serverTime?: Date;
}

/** The three calls that the injector makes, on raw JSON. Every one rejects with an `ApiError` and nothing else. */
export interface ApiClient {
  get(path: string): Promise<ApiAnswer>;
  /** Replaces an object; its `metadata.resourceVersion` makes that a compare-and-swap (409 `conflict`). */
  put(path: string, body: JsonObject): Promise<ApiAnswer>;
  /** Sends a JSON Patch; a failing `test` is answered with 422 `invalid`. */
  patch(path: string, operations: readonly JsonObject[]): Promise<ApiAnswer>;
  /** Ends running calls; later ones reject. */
  close(): void;
}

export interface ConnectOptions {
  /** Path of a kubeconfig file; without it the pod's service account is used. */
  readonly kubeconfig?: string;
  /** For one call, from name resolution to the last byte. */
  readonly timeoutMs?: number;
}

/** Objects in the API server end at some 1.5 MiB; what is larger is no answer of it. */
const answerLimitBytes = 8 * 1024 * 1024;

/** Reads the credentials; the first contact with the API server is the first call. */
export async function connect(options: ConnectOptions = {}): Promise<ApiClient> {
  const { kubeconfig, timeoutMs = 10_000 } = options;
  const credentials = await loadCredentials(kubeconfig);
  const closing = new AbortController();

  async function call(method: string, path: string, contentType?: string, content?: Json): Promise<ApiAnswer> {
    const what = `${method} ${path}`;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const body = content === undefined ? undefined : Buffer.from(JSON.stringify(content));
      const target = targetOf(credentials.server, path);
      const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'sidecar-injector' };
      if (body !== undefined) headers['content-length'] = String(body.length);
      if (contentType !== undefined) headers['content-type'] = contentType;
      const signal = AbortSignal.any([timeout, closing.signal]);
      const request: RequestOptions = { ...target, method, headers, signal };
      await credentials.authorize(request);
      return await send(what, credentials.server.protocol === 'http:', request, body);
    } catch (error) {
      if (closing.signal.aborted) throw new ApiError('unreachable', `${what}: the client was closed`);
      if (timeout.aborted) {
        throw new ApiError('timeout', `${what}: no answer from ${credentials.server.host} within ${timeoutMs} ms`);
      }
      throw errorOfTransport(what, credentials.server.host, error);
    }
  }

  return {
    get: (path) => call('GET', path),
    put: (path, body) => call('PUT', path, 'application/json', body),
    patch: (path, operations) => call('PATCH', path, 'application/json-patch+json', operations),
    close: () => closing.abort(),
  };
}

/** One segment of a path. A name comes from a user at times and must not lead elsewhere. */
export function pathSegment(kind: string, name: string): string {
  // DNS-1123 subdomain, the loosest rule of the kinds that are read here.
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

function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
