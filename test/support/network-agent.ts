import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessibleTo } from './accessible-file.ts';
import { inNamespace } from './pod-namespace.ts';

/** What a server of an agent tells whoever asked: how the request arrived. */
export interface Heard {
  readonly remoteAddress: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

export interface ListenOptions {
  /** `http` answers every path with a `Heard`, 503 when unhealthy, `/status/418` with that status; `banner` speaks first; `grpc` is a health service. */
  readonly kind: 'http' | 'banner' | 'grpc';
  readonly port: number;
  /** Default: both families. */
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly text?: string;
  /** What `http` answers instead, whatever the path. */
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}

export interface Answer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Dialled {
  readonly text: string;
  readonly ending: 'data' | 'closed' | 'silent';
  readonly ms: number;
}

/** What an agent can be told to do in its namespace. */
export interface AgentCalls {
  listen(options: ListenOptions): Promise<null>;
  close(options: { readonly port: number }): Promise<null>;
  setHealthy(state: boolean): Promise<null>;
  /** One HTTP request on a connection of its own. */
  ask(options: { readonly url: string; readonly headers?: Readonly<Record<string, string>> }): Promise<Answer>;
  /** Opens a TCP connection and waits for the first bytes or, when told, for its end. */
  dial(options: {
    readonly host: string;
    readonly port: number;
    readonly send?: string;
    readonly untilClosed?: boolean;
  }): Promise<Dialled>;
}

export interface Agent extends AgentCalls {
  readonly stop: () => Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Starts a Node process in a namespace, as root or as another user, and waits until it takes orders. */
export async function startAgent(namespace: string, uid?: number): Promise<Agent> {
  const program = new URL('network-agent-program.ts', import.meta.url).pathname;
  const files = [process.execPath, program].map((path) => accessibleTo(uid ?? 0, path));
  const [command = '', ...words] = [...inNamespace(namespace, uid), ...files.map(({ path }) => path)];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(command, words, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const ready = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }));
  let last = 0;
  child.on('message', (reply: Reply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) one?.resolve(reply.result);
    else one?.reject(new Error(reply.error));
  });
  let ended = false;
  child.on('exit', (code) => {
    ended = true;
    for (const file of files) file.remove();
    for (const one of waiting.values()) one.reject(new Error(`the agent in ${namespace} has ended with ${code}`));
  });
  await ready;
  const tell = (call: keyof AgentCalls, input: unknown): Promise<never> =>
    new Promise((resolve, reject) => {
      if (ended) throw new Error(`the agent in ${namespace} has ended`);
      last += 1;
      waiting.set(last, { resolve: resolve as (value: unknown) => void, reject });
      child.send({ id: last, call, input });
    });
  return {
    listen: (options) => tell('listen', options),
    close: (options) => tell('close', options),
    setHealthy: (state) => tell('setHealthy', state),
    ask: (options) => tell('ask', options),
    dial: (options) => tell('dial', options),
    async stop() {
      if (ended) return;
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}
