import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';

/** Asks the metrics port of 127.0.0.1, which speaks plain HTTP. */
export function askMetrics(
  port: number,
  path: string,
  method = 'GET',
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.once('error', reject);
    call.end();
  });
}
