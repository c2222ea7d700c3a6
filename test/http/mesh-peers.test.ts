import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { askAnswers, identityPath } from '../../src/runtime/mesh-peers.ts';

// What replicas say of their proxies, at several addresses of this machine.

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Starts a replica that says something on the port of the others. */
async function replica(address: string, port: number, status: number, text: string): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === identityPath ? status : 404).end(text);
  });
  servers.push(server);
  await once(server.listen(port, address), 'listening');
  return (server.address() as AddressInfo).port;
}

const own = () => ({ id: 'now', proxies: 3, holding: 2 });

test('the proxies of all replicas count; those of one that gives out something else hold nothing', async () => {
  const port = await replica('127.0.0.1', 0, 200, JSON.stringify({ id: 'now', proxies: 5, holding: 4 }));
  await replica('127.0.0.2', port, 200, JSON.stringify({ id: 'before', proxies: 7, holding: 7 }));
  expect(await askAnswers({ addresses: ['127.0.0.1', '127.0.0.2'], port, own })).toEqual({
    proxies: 15,
    holding: 6,
    silentReplicas: 0,
  });
});

test('a replica that is away, starts, is older, or says anything else is one that does not say', async () => {
  const port = await replica('127.0.0.1', 0, 503, '');
  await replica('127.0.0.2', port, 404, '');
  await replica('127.0.0.3', port, 200, '{"id":"now","proxies":"many","holding":0}');
  await replica('127.0.0.4', port, 200, 'x'.repeat(20_000));
  const addresses = [1, 2, 3, 4, 5].map((last) => `127.0.0.${last}`);
  expect(await askAnswers({ addresses, port, own })).toEqual({ proxies: 3, holding: 2, silentReplicas: 5 });
});

test('without peers, this replica alone counts', async () => {
  expect(await askAnswers({ addresses: [], port: 1, own })).toEqual({ proxies: 3, holding: 2, silentReplicas: 0 });
});
