import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection, requestBytes, type Answer } from '../connection.ts';
import { typicalPod } from '../pods.ts';
import { reviewText, workloadNames } from '../reviews.ts';
import type { ServerProcess } from '../server-process.ts';
import { createPool } from './connection-pool.ts';

/** What became of one review. */
export interface Attempt {
  /** `shed` is an answer 503, which an API server would try again. */
  readonly outcome: 'decided' | 'shed' | 'failed';
  /** What was answered instead, or how the connection ended; empty unless it failed. */
  readonly problem: string;
  /** From the moment that it was due, milliseconds. */
  readonly durationMs: number;
}

/** How many reviews, and how fast. */
export interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
}

/** The registration's timeout, after which the API server gives up. */
export const timeoutMs = 5_000;

const uid = /"uid":"[0-9a-f-]{36}"/;

/** Usual reviews, each with a uid of its own. */
function reviewAt(texts: readonly string[], index: number): { readonly uid: string; readonly request: Buffer } {
  const own = `"uid":"5c4f1a52-8f6b-4c33-9a5e-${String(index).padStart(12, '0')}"`;
  return { uid: own, request: requestBytes((texts[index % texts.length] ?? '').replace(uid, own)) };
}

function judge({ status, body }: Answer, wantedUid: string): Omit<Attempt, 'durationMs'> {
  if (status === 503) return { outcome: 'shed', problem: '' };
  if (status !== 200) return { outcome: 'failed', problem: `answered ${status}` };
  const isOwn = body.includes(wantedUid) && body.includes('"patchType":"JSONPatch"');
  return isOwn ? { outcome: 'decided', problem: '' } : { outcome: 'failed', problem: 'another decision' };
}

/**
 * Sends usual reviews at a constant rate, whatever becomes of them, as the API server's client does: over an idle
 * connection if there is one, else over the first that is opened or free. Nothing is tried again.
 */
export async function sendSteadily(server: ServerProcess, pace: Pace): Promise<readonly Attempt[]> {
  const texts = workloadNames.map((name) => reviewText(typicalPod(name)));
  const pool = createPool(() => openConnection(server.port, server.ca));
  const exchange = async (index: number): Promise<Omit<Attempt, 'durationMs'>> => {
    const { uid: own, request } = reviewAt(texts, index);
    const connection = await pool.borrow(timeoutMs);
    const givenUp = setTimeout(() => connection.close(), timeoutMs);
    try {
      const answer = await connection.ask(request);
      pool.giveBack(connection);
      return judge(answer, own);
    } finally {
      clearTimeout(givenUp);
    }
  };
  const one = async (index: number): Promise<Attempt> => {
    const dueMs = performance.now();
    const found = await exchange(index).catch(({ message }: Error) => ({
      outcome: 'failed' as const,
      problem: message,
    }));
    const durationMs = performance.now() - dueMs;
    return durationMs < timeoutMs ? { ...found, durationMs } : { outcome: 'failed', problem: 'too late', durationMs };
  };
  const startMs = performance.now();
  const sent: Promise<Attempt>[] = [];
  for (let index = 0; index < pace.perSecond * pace.seconds; index++) {
    const waitMs = startMs + (index * 1_000) / pace.perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    sent.push(one(index));
  }
  const attempts = await Promise.all(sent);
  pool.close();
  return attempts;
}
