import type { Connection } from '../connection.ts';

/** Kept-alive connections, as the transport of Go's `net/http` has them. */
export interface ConnectionPool {
  /**
   * An idle connection, or the first one that is opened or given back. Rejects when the one that is opened for this
   * caller fails before, or when the time is over.
   */
  borrow(timeoutMs: number): Promise<Connection>;
  giveBack(connection: Connection): void;
  close(): void;
}

interface Waiter {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: Error) => void;
}

/** A pool without connections; it has as many as were wanted at once. */
export function createPool(open: () => Promise<Connection>): ConnectionPool {
  const idle: Connection[] = [];
  const waiters = new Set<Waiter>();
  let isClosed = false;
  const giveBack = (connection: Connection): void => {
    const [next] = waiters;
    if (isClosed || !connection.isOpen()) {
      connection.close();
    } else if (next === undefined) {
      idle.push(connection);
    } else {
      waiters.delete(next);
      next.resolve(connection);
    }
  };
  return {
    borrow(timeoutMs) {
      for (let known = idle.pop(); known !== undefined; known = idle.pop()) {
        if (known.isOpen()) return Promise.resolve(known);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Connection>();
      const waiter: Waiter = { resolve, reject };
      const giveUp = (error: Error): void => {
        if (waiters.delete(waiter)) reject(error);
      };
      waiters.add(waiter);
      open().then(giveBack, giveUp);
      const timer = setTimeout(() => giveUp(new Error('no connection')), timeoutMs);
      return promise.finally(() => clearTimeout(timer));
    },
    giveBack,
    close() {
      isClosed = true;
      for (const connection of idle.splice(0)) connection.close();
    },
  };
}
