import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection, type Connection } from './connection.ts';
import type { ServerProcess } from './server-process.ts';
import { quantile } from './statistics.ts';

/** A server and the connections that are kept open to it over all rounds, as the API server does. */
export interface Target {
  readonly server: ServerProcess;
  readonly connections: readonly Connection[];
  close(): void;
}

export async function openTarget(server: ServerProcess, connectionCount: number): Promise<Target> {
  const connections = await Promise.all(
    Array.from({ length: connectionCount }, () => openConnection(server.port, server.ca)),
  );
  return {
    server,
    connections,
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

function requestAt(requests: readonly Buffer[], index: number): Buffer {
  const request = requests[index % requests.length];
  if (request === undefined) throw new Error('there is nothing to send');
  return request;
}

/** One throughput round: how fast, and what it cost the server. */
export interface Round {
  readonly perSecond: number;
  /** Processor time of the server's process, microseconds a review. */
  readonly cpuMicros: number;
}

/** Sends `count` requests as fast as the connections allow, each waiting for its answer. */
export async function sendRound(
  { server, connections }: Target,
  requests: readonly Buffer[],
  count: number,
): Promise<Round> {
  let left = count;
  const before = await server.usage();
  const startMs = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      while (left > 0) await connection.exchange(requestAt(requests, left--));
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  const after = await server.usage();
  return { perSecond: count / seconds, cpuMicros: (after.cpuMicros - before.cpuMicros) / count };
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Sends at a constant rate, whatever the answers do: a request that finds every connection busy waits, and the wait
 * counts. Milliseconds from the moment that a request is due.
 */
export async function sendAtRate(
  { connections }: Target,
  requests: readonly Buffer[],
  plan: { readonly perSecond: number; readonly count: number },
): Promise<number[]> {
  const idle = [...connections];
  const waiting: ((connection: Connection) => void)[] = [];
  const borrow = (): Promise<Connection> => {
    const connection = idle.pop();
    return connection === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(connection);
  };
  const one = async (request: Buffer): Promise<number> => {
    const dueMs = performance.now();
    const connection = await borrow();
    await connection.exchange(request);
    const durationMs = performance.now() - dueMs;
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
    return durationMs;
  };
  const startMs = performance.now();
  const sent: Promise<number>[] = [];
  for (let index = 0; index < plan.count; index++) {
    const waitMs = startMs + (index * 1_000) / plan.perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    sent.push(one(requestAt(requests, index)));
  }
  return Promise.all(sent);
}

export function latencyOf(durationsMs: readonly number[]): Latency {
  const sorted = durationsMs.toSorted((left, right) => left - right);
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}
