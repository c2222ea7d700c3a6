import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/*
 * Below the ports that Linux gives to outgoing connections (net.ipv4.ip_local_port_range) and those of Services of type
 * NodePort: a port that the kernel chose may be the source port of somebody's connection before the test listens to it.
 */
const first = 12_000;
const end = 30_000;

/** A TCP port of 127.0.0.1 that was free a moment ago, and that no outgoing connection takes. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, end);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
