import { request } from 'node:https';
import { until } from '../waiting.ts';

/** An answer of /readyz. */
export interface Readiness {
  readonly status: number;
  /** A line for each check. */
  readonly text: string;
}

/** Asks as the kubelet does, which verifies no certificate. */
export function askReadiness(port: number): Promise<Readiness> {
  return new Promise((resolve, reject) => {
    const path = '/readyz?verbose=1';
    const call = request({ host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.once('error', reject);
    call.end();
  });
}

/** Waits until /readyz answers so. */
export function untilReadiness(
  port: number,
  wanted: (readiness: Readiness) => boolean,
  limitMs = 60_000,
): Promise<Readiness> {
  let last: Readiness | undefined;
  const ask = async () => {
    last = await askReadiness(port).catch(() => undefined);
    return last !== undefined && wanted(last) ? last : undefined;
  };
  return until(() => `another readiness than ${last?.status} ${last?.text}`, ask, limitMs);
}
