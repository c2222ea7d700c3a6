import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { boundConnections } from '../../../src/server/connections.ts';

/** A server with bounded connections, and what becomes of each that opens. */
function bounded(most: number) {
  const server = new EventEmitter();
  const open = new Set<number>();
  let cuts = 0;
  const connections = boundConnections(server as Server, most, () => (cuts += 1));
  const sockets = new Map<number, Socket>();
  return {
    open,
    cuts: () => cuts,
    connections,
    socket: (port: number) => sockets.get(port) as Socket,
    connect(port: number) {
      const socket: EventEmitter & { destroy?: () => void } = Object.assign(new EventEmitter(), {
        remoteAddress: '10.0.0.1',
        remotePort: port,
        localPort: 8443,
      });
      socket.destroy = () => {
        open.delete(port);
        socket.emit('close');
      };
      open.add(port);
      sockets.set(port, socket as Socket);
      server.emit('connection', socket);
    },
  };
}

test('for a connection too many the oldest stranger’s ends', () => {
  const server = bounded(3);
  for (const port of [1, 2, 3, 4]) server.connect(port);
  expect([[...server.open], server.cuts()]).toEqual([[2, 3, 4], 1]);
});

test('one that brought a review outlives strangers that came later', () => {
  const server = bounded(3);
  for (const port of [1, 2, 3]) server.connect(port);
  server.connections.welcome(server.socket(1));
  for (const port of [4, 5, 6]) server.connect(port);
  expect([...server.open]).toEqual([1, 5, 6]);
  expect(server.connections.isWelcome(server.socket(1))).toBe(true);
});

test('without strangers the one whose last review is oldest ends', () => {
  const server = bounded(3);
  for (const port of [1, 2, 3]) server.connect(port);
  for (const port of [1, 2, 3, 1]) server.connections.welcome(server.socket(port));
  server.connect(4);
  expect([...server.open]).toEqual([1, 3, 4]);
});

test('a connection that is closed makes room', () => {
  const server = bounded(2);
  for (const port of [1, 2]) server.connect(port);
  server.socket(1).destroy();
  server.connect(3);
  expect([[...server.open], server.cuts()]).toEqual([[2, 3], 0]);
});
