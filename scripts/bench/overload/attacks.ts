import { connect as connectPlainly, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { openConnection, requestBytes, type Connection } from '../connection.ts';
import { reviewText } from '../reviews.ts';

/** The webhook that is attacked; always of 127.0.0.1. */
export interface Victim {
  readonly port: number;
  /** The CA that signed its certificate, PEM. */
  readonly ca: string;
}

/** Adds one to what the attackers met. */
export type Count = (what: string) => void;

/** Goes on until its process ends. */
type Attack = (victim: Victim, count: Count) => Promise<never>;

export const slowBodies = 10;
export const idleConnections = 4_300;
export const largeBodies = 50;

const mebibyte = 1024 * 1024;
const announcement = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${7 * mebibyte}\r\n\r\n{`;

function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

/** Sends a byte now and then until the webhook ends the connection. */
async function sendSlowly({ port, ca }: Victim, count: Count): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, ca }).on('error', () => undefined);
  let drip: NodeJS.Timeout | undefined;
  socket.once('secureConnect', () => {
    count('announced');
    socket.write(announcement);
    drip = setInterval(() => socket.writable && socket.write(' '), 200);
  });
  socket.once('data', (chunk) => count(`answered ${chunk.toString('latin1', 9, 12)}`));
  await ended(socket);
  clearInterval(drip);
}

async function dripBodies(victim: Victim, count: Count): Promise<never> {
  for (;;) await Promise.all(Array.from({ length: slowBodies }, () => sendSlowly(victim, count)));
}

/** Opens a connection that then does nothing, or only asks a question over TLS. Does not wait for an answer. */
async function lieOpen({ port, ca }: Victim, asks: boolean): Promise<Socket> {
  const at = { host: '127.0.0.1', port };
  const socket = asks ? connect({ ...at, ca }) : connectPlainly(at);
  socket.on('error', () => undefined);
  if (asks) socket.resume().once('secureConnect', () => socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'));
  const connected = new Promise<void>((resolve) => void socket.once('connect', () => resolve()));
  await Promise.race([connected, ended(socket)]);
  return socket;
}

const batch = 100;
const waveMs = 5_000;

/** Opens all of them, and every five seconds those again that the webhook has closed. */
async function holdIdle(victim: Victim, count: Count): Promise<never> {
  const open = new Set<Socket>();
  for (;;) {
    for (let missing = idleConnections - open.size; missing > 0; missing -= batch) {
      const sockets = await Promise.all(
        Array.from({ length: Math.min(batch, missing) }, (_, index) => lieOpen(victim, index % 3 === 0)),
      );
      for (const socket of sockets) {
        count('opened');
        if (socket.destroyed) {
          count('closed');
          continue;
        }
        open.add(socket);
        socket.once('close', () => {
          count('closed');
          open.delete(socket);
        });
      }
    }
    await sleep(waveMs);
  }
}

/** A review of 3 MB that is as good as any. */
export function largeReview(): Buffer {
  const env = Array.from({ length: 3_000 }, (_, index) => ({ name: `A${index}`, value: 'x'.repeat(1_000) }));
  const spec = { containers: [{ name: 'app', image: 'registry.example.com/app:1', env }] };
  return requestBytes(reviewText({ metadata: { name: 'large', labels: { app: 'large' } }, spec }));
}

const retryMs = 100;

/** Sends so many at once, those that are shed again soon, and the next ones when all are answered. */
async function sendLarge(victim: Victim, count: Count): Promise<never> {
  const request = largeReview();
  const idle: Connection[] = [];
  const persist = async (): Promise<void> => {
    for (;;) {
      const connection = idle.pop() ?? (await openConnection(victim.port, victim.ca));
      const { status } = await connection.ask(request);
      idle.push(connection);
      count(`answered ${status}`);
      if (status !== 503) return;
      await sleep(retryMs);
    }
  };
  for (;;) await Promise.all(Array.from({ length: largeBodies }, () => persist().catch(() => count('cut off'))));
}

/** What is played against the webhook, in the order of the table. */
export const attacks = {
  'ten slow bodies': dripBodies,
  '4,300 idle connections': holdIdle,
  'fifty bodies of 3 MB at once': sendLarge,
  'all of it together': async (victim, count) => {
    return Promise.race([dripBodies, holdIdle, sendLarge].map((attack) => attack(victim, count)));
  },
} as const satisfies Readonly<Record<string, Attack>>;

export type AttackName = keyof typeof attacks;
export const attackNames = Object.keys(attacks) as AttackName[];
