import type { IncomingHttpHeaders } from 'node:http';
import { request, type Agent } from 'node:https';

/** Where a webhook serves. */
export interface Target {
  /** Port of 127.0.0.1. */
  readonly port: number;
  /** CA certificates (PEM) that its certificate is verified with. */
  readonly ca: string;
  /** Name that its certificate must have; default `localhost`. */
  readonly servername?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Connections to reuse; without it every question has a connection of its own. */
  readonly agent?: Agent;
}

/** Asks one question over TLS that is verified. Rejects with Node's error when the connection breaks first. */
export function ask(target: Target, question: Question): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body, agent = false } = question;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: target.port,
        ca: target.ca,
        servername: target.servername ?? 'localhost',
        method,
        path,
        headers: { ...('transfer-encoding' in headers ? {} : length), ...headers } as IncomingHttpHeaders,
        agent,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.once('error', reject);
      },
    );
    call.once('error', reject);
    call.end(body);
  });
}

/** Sends a review as the API server does. Text and bytes go out as they are, anything else as JSON. */
export function postReview(target: Target, review: unknown, more: Omit<Question, 'body'> = {}): Promise<Answer> {
  const body = typeof review === 'string' || review instanceof Uint8Array ? review : JSON.stringify(review);
  const { headers, ...rest } = more;
  return ask(target, {
    method: 'POST',
    path: '/inject?timeout=10s',
    ...rest,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}
