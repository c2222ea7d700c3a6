import { createServer } from 'node:http2';
import type { Server } from 'node:net';
import type { AgentCalls } from './agent.ts';

const exported: string[] = [];

/** An OpenTelemetry collector, as far as it takes spans: `TraceService/Export` over gRPC is kept and thanked for. */
export function collector(): Server {
  const server = createServer();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (headers[':path'] === '/opentelemetry.proto.collector.trace.v1.TraceService/Export') {
        exported.push(Buffer.concat(chunks).toString('base64'));
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    });
  });
  return server;
}

export const collected: AgentCalls['collected'] = () => Promise.resolve(exported);
