import { once } from 'node:events';
import { request as send, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { headersOf } from './echo-servers.ts';

/*
 * Requests that an application would make, and what it gets back.
 */

/** How Envoy's access log calls a fault: an abort, and a delay. */
type Fault = 'FI' | 'DI';

/** A request of an application. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether it is sent by HTTP/2, without an offer of it before. */
  readonly isHttp2?: boolean;
  /** Whose connection it is, and the server that the application has dialled, as if its connection had been captured. */
  readonly connection?: { readonly source: string; readonly dialled: string };
}

/** What the application gets back; status 0 if nothing came for two seconds. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  /** What the proxy did of its own accord: an abort, a delay. */
  readonly faults: readonly Fault[];
}

/** The response header in which a proxy tells what its access log would have of the request. */
export const flagsHeader = 'x-response-flags';

function answerOf(status: number, all: Readonly<Record<string, readonly string[]>>, body: string): Answer {
  const { [flagsHeader]: flags = [], ...headers } = all;
  const faults = (['FI', 'DI'] as const).filter((one) => flags.some((text) => text.split(',').includes(one)));
  return { status, headers, body, faults };
}

const nothing: Answer = { status: 0, headers: {}, body: '', faults: [] };

/** Asks by HTTP/1. */
export async function ask(way: Way, { method, path: target, host, headers }: Call): Promise<Answer> {
  const signal = AbortSignal.timeout(2_000);
  const sent = send({ ...way, method, path: target, headers: { ...headers, host }, signal });
  sent.end();
  try {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of answer) body += String(chunk);
    return answerOf(answer.statusCode ?? 0, headersOf(answer), body);
  } catch (error) {
    if (signal.aborted) return nothing;
    throw error;
  }
}

/** Asks by HTTP/2, without an offer of it before. A connection of its own: proxies end one after an answer that the server could not be reached. */
export async function askHttp2(open: () => Socket, call: Call): Promise<Answer> {
  const session = connectHttp2('http://proxy', { createConnection: open });
  const signal = AbortSignal.timeout(2_000);
  const pseudo = { ':method': call.method, ':path': call.path, ':authority': call.host, ':scheme': 'http' };
  const stream = session.request({ ...call.headers, ...pseudo }, { signal });
  try {
    const [answered] = (await once(stream, 'response')) as [IncomingHttpHeaders & { readonly ':status': number }];
    const { ':status': status, ...headers } = answered;
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    const values = Object.entries(headers).map(([name, value]) => [name, [value].flat().map(String)] as const);
    return answerOf(status, Object.fromEntries(values), body);
  } catch (error) {
    if (signal.aborted) return nothing;
    throw error;
  } finally {
    session.destroy();
  }
}

/** How HTTP/1 gets to a proxy: by connections that are kept, or by one of its own. */
type Way = Pick<RequestOptions, 'agent' | 'socketPath' | 'createConnection'>;

/**
 * Opens a connection to a proxy that has its addresses from its first line, in the PROXY protocol.
 *
 * @param port where the server listens that the application has dialled
 */
export function openCaptured(socketPath: string, source: string, port: number): Socket {
  const socket = connect(socketPath);
  socket.write(`PROXY TCP4 ${source} 127.0.0.1 40000 ${port}\r\n`);
  return socket;
}
