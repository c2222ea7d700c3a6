import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { Server } from 'node:http';
import { createPlainServer } from '../../../src/server/plain-server.ts';
import { askMetrics } from '../../support/http/metrics-client.ts';

let server: Server;
const held: Socket[] = [];
afterEach(() => {
  for (const socket of held.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
});

test('whoever only holds connections loses them to those who ask', async () => {
  const page = { status: 200, contentType: 'text/plain', text: 'here\n' };
  server = createPlainServer(new Map([['/page', () => page]]), 'broken').listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (let opened = 0; opened < 200; opened++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    held.push(socket);
    await once(socket, 'connect');
  }
  expect(await askMetrics(port, '/page')).toMatchObject({ status: 200, text: 'here\n' });
  const open = await new Promise<number>((resolve) => void server.getConnections((_error, count) => resolve(count)));
  expect(open).toBeLessThanOrEqual(64);
});
