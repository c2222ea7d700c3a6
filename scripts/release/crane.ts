import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Calls go-containerregistry's `crane`; answers what it printed. Throws with its message. */
export type Crane = (...args: readonly string[]) => Promise<string>;

/** The program at a path. */
export function openCrane(program: string): Crane {
  return async (...args) => {
    const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 });
    return stdout.trim();
  };
}

/** A registry of this machine alone. */
export interface LocalRegistry {
  /** `127.0.0.1:PORT`, to which image names are appended. */
  readonly name: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts crane's own registry on a free port of 127.0.0.1; it keeps its blobs in `folder`. */
export async function startRegistry(program: string, folder: string): Promise<LocalRegistry> {
  const name = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, ['registry', 'serve', '--address', name, '--disk', folder], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  process.once('exit', () => void child.kill());
  for (let attempt = 0; ; attempt++) {
    const isUp = await fetch(`http://${name}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) break;
    if (child.exitCode !== null || attempt === 200) throw new Error(`no registry on ${name}`);
    await sleep(50);
  }
  return {
    name,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
