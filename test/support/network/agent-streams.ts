import {
  connect,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server } from 'node:net';
import type { AgentCalls, StreamHeard, StreamScript, StreamSeen } from './agent.ts';

const scriptedPath = '/script?';

/** Returns the path by which a server of streams is told what to answer. */
export function pathOf(script: StreamScript): string {
  return scriptedPath + encodeURIComponent(JSON.stringify(script));
}

function scriptOf(path: string | undefined): StreamScript {
  const text = path?.startsWith(scriptedPath) === true ? decodeURIComponent(path.slice(scriptedPath.length)) : '{}';
  return JSON.parse(text) as StreamScript;
}

/** Header fields as they came, in order. */
function pairsOf(raw: readonly string[]): string[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1] ?? ''}`] : []));
}

function answer(stream: ServerHttp2Stream, script: StreamScript, heard: StreamHeard): void {
  const { informational = [], status = 200, fields = {}, body = JSON.stringify(heard), trailers, reset } = script;
  for (const one of informational) stream.additionalHeaders({ ':status': one, link: '</a>' });
  if (reset !== undefined) {
    stream.close(reset);
    return;
  }
  stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers }));
  stream.respond({ ':status': status, ...fields }, { waitForTrailers: trailers !== undefined, endStream: body === '' });
  if (body !== '') stream.end(body);
}

/** Answers each stream as its own path says, by default with what it has heard. CONNECT gets back what it sends. */
export function streamServer(): Server {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers, _, raw) => {
    const script = scriptOf(headers[':path']);
    const heard = { fields: pairsOf(raw), body: '', trailers: [] as string[] };
    stream.on('error', () => stream.destroy());
    if (headers[':method'] === 'CONNECT') {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
      return;
    }
    stream.on('data', (chunk: Buffer) => (heard.body += chunk.toString('latin1')));
    stream.on('trailers', (__, ___, late) => heard.trailers.push(...pairsOf(late)));
    if (script.isEarly === true) answer(stream, script, heard);
    else stream.on('end', () => answer(stream, script, heard));
  });
  return server;
}

const plain = (headers: IncomingHttpHeaders): Record<string, unknown> => ({ ...headers });

export const askStream: AgentCalls['askStream'] = ({ host, port, fields, body, trailers, isOpen = false }) =>
  new Promise<StreamSeen>((resolve) => {
    const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    const seen = { informational: [] as number[], fields: {}, body: '', trailers: {} };
    const finish = (ending: StreamSeen['ending']): void => {
      session.destroy();
      resolve({ ...seen, ending });
    };
    session.setTimeout(5_000, () => finish('silent'));
    session.on('error', () => finish('connection'));
    const hasBody = body !== undefined || trailers !== undefined;
    const begin = (): void => {
      if (fields[':protocol'] !== undefined && session.remoteSettings.enableConnectProtocol !== true) {
        finish('not offered');
        return;
      }
      const stream = session.request(fields as OutgoingHttpHeaders, {
        endStream: !hasBody && !isOpen,
        waitForTrailers: trailers !== undefined,
      });
      stream.on('headers', (headers) => seen.informational.push(Number(headers[':status'])));
      stream.on('response', (headers) => (seen.fields = plain(headers)));
      stream.on('trailers', (headers) => (seen.trailers = plain(headers)));
      stream.on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')));
      stream.on('wantTrailers', () => stream.sendTrailers({ ...trailers }));
      stream.on('error', () => undefined);
      // The server may reset what is left of the request, or wait for it.
      if (isOpen) stream.on('end', () => finish(0));
      stream.on('close', () => finish(stream.rstCode ?? 0));
      if (body !== undefined) stream.write(Buffer.from(body, 'latin1'));
      if (hasBody && !isOpen) stream.end();
    };
    session.once('remoteSettings', begin);
  });
