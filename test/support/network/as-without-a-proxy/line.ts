import type { Agent } from '../agent.ts';
import type { Direction, Scene } from '../scene.ts';
import { destination } from '../scene.ts';

/** A client and a server with one proxy or two between them, and a way past all proxies. The server's ports are those dialled. */
export interface Line {
  readonly client: Agent;
  readonly server: Agent;
  /** Host that the client dials through the proxies. */
  readonly host: string;
  /** Host that it dials past them, on ports that are not captured. */
  readonly plainHost: string;
}

/** Returns the line of a scene with one pod, in one direction. */
export function lineOf({ app, outside }: Scene, direction: Direction): Line {
  const host = destination(direction, 'v4');
  const [client, server] = direction === 'inbound' ? [outside, app] : [app, outside];
  return { client, server, host, plainHost: host };
}
