import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../src/json/json.ts';
import type { GuardReport } from '../../src/mesh/serve/guard-reports.ts';
import { hashOfGuards } from '../../src/mesh/serve/guard-reports.ts';
import { emptyWorld } from '../../src/mesh/world/world.ts';
import {
  doesCountPlainText,
  exchangeGuards,
  guardsPath,
  modesPath,
  type GuardExchange,
} from '../../src/runtime/report-peers.ts';
import { until } from '../support/waiting.ts';

/*
 * What two replicas of the control plane tell each other of objects that protect pods, at two addresses of this machine.
 */

const addresses = ['127.0.0.1', '127.0.0.2'];
const settled: GuardReport = { guards: hashOfGuards(emptyWorld), unheld: [] };
const counts = { opening: 0, clients: 0, closing: 0, draining: 0 };

interface Replica {
  report: GuardReport;
  asked: number;
  readonly exchange: GuardExchange;
  readonly server: Server;
  tick(): void;
}

let port: number;
let nowMs: number;
let replicas: readonly Replica[];

async function start(address: string): Promise<Replica> {
  const ticks: (() => void)[] = [];
  const exchange = exchangeGuards(
    {
      world: () => emptyWorld,
      modeReport: () => ({ objects: '', at: counts, unacknowledged: counts }),
      guardReport: () => replica.report,
    },
    {
      replicas: () => ({ addresses, port }),
      nowMs: () => nowMs,
      every(_, action) {
        ticks.push(action);
        return () => undefined;
      },
    },
  );
  const server = createServer(({ url = '' }, answer) => {
    if (url === guardsPath) replica.asked += 1;
    answer.end(exchange.pages.get(url)?.());
  }).listen(port, address);
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
  const tick = (): void => ticks.forEach((one) => one());
  const replica: Replica = { report: settled, asked: 0, exchange, server, tick };
  return replica;
}

beforeEach(async () => {
  [port, nowMs] = [0, 1_000];
  const first = await start('127.0.0.1');
  replicas = [first, await start('127.0.0.2')];
});

afterEach(() => {
  for (const { server, exchange } of replicas) {
    exchange.stop();
    server.close();
    server.closeAllConnections();
  }
});

test('a replica knows what the proxies of another hold when it has asked, and asks only if somebody wants to know', async () => {
  const [one, other] = replicas as [Replica, Replica];
  one.tick();
  const holds = (sinceMs = nowMs): boolean => one.exchange.doOthersHold('u', sinceMs);
  expect(holds()).toBe(false);
  expect(other.asked).toBe(0);
  one.tick();
  await until('the other holds it', () => holds() || undefined);
  expect(other.asked).toBe(1);
  // It says something else now, but has not been asked since.
  other.report = { ...settled, unheld: ['u'] };
  expect(holds()).toBe(true);
  nowMs += 1;
  expect(holds()).toBe(false);
  for (const report of [other.report, { ...settled, guards: 'others' }]) {
    other.report = report;
    await until('its answer', () => {
      one.tick();
      return !holds(0) || undefined;
    });
    other.report = settled;
    await until('the other holds it again', () => {
      one.tick();
      return holds() || undefined;
    });
  }
});

test('a replica says that its proxies count who calls in plain text', async () => {
  const response = await fetch(`http://127.0.0.1:${port}${modesPath}`);
  const page = (await response.json()) as JsonObject;
  expect(doesCountPlainText(page)).toBe(true);
  expect(doesCountPlainText({ ...page, countsPlainText: undefined })).toBe(false);
});

test('a replica that does not answer holds nothing', async () => {
  const [one, other] = replicas as [Replica, Replica];
  other.server.close();
  await once(other.server, 'close');
  const holds = (): boolean => one.exchange.doOthersHold('u', 0);
  expect(holds()).toBe(false);
  one.tick();
  await until('this replica was asked', () => one.asked === 1 || undefined);
  expect(holds()).toBe(false);
});
