import type { Asked, Replies } from '../exchange.ts';

/** The engine took too long and was stopped. */
export class TimeLimit extends Error {}

/** Asks the engine, which runs beside the page. */
export interface Engine {
  /** Rejects with a `TimeLimit`, or with the message of a defect. */
  ask<A extends Asked>(asked: A): Promise<Replies[A['ask']]>;
}

interface Waiting {
  readonly asked: Asked;
  readonly resolve: (reply: never) => void;
  readonly reject: (error: Error) => void;
}

type Message = { readonly id: number } & ({ readonly reply: never } | { readonly defect: string });

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): string;
  };
}

/**
 * Starts the engine in a worker, with its own source, and with a new one after each time limit: what is asked meanwhile waits
 * its turn, so that the limit is for one request.
 */
export function startEngine(source: string, limitMs: number): Engine {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('engine', {
    createScriptURL: (wanted) => {
      if (wanted !== url) throw new TypeError('only the engine runs beside the page');
      return wanted;
    },
  });
  const queue: Waiting[] = [];
  let worker: Worker | undefined;
  let id = 0;

  const proceed = (): void => {
    const [first] = queue;
    if (first === undefined) return;
    worker ??= new Worker(policy?.createScriptURL(url) ?? url);
    const present = ++id;
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      queue.shift();
      finish();
      proceed();
    };
    const stop = (error: Error): void => {
      worker?.terminate();
      worker = undefined;
      settle(() => first.reject(error));
    };
    const seconds = limitMs / 1_000;
    const timer = setTimeout(() => stop(new TimeLimit(`took longer than ${seconds} s and was stopped`)), limitMs);
    worker.addEventListener('message', ({ data }: MessageEvent<Message>) => {
      if (data.id !== present) return;
      settle(() => ('defect' in data ? first.reject(new Error(data.defect)) : first.resolve(data.reply)));
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (id === present && queue[0] === first) stop(new Error(event.message));
    });
    // A worker has no origin to name, as a window has.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage({ id: present, asked: first.asked });
  };

  return {
    ask: (asked) =>
      new Promise((resolve, reject) => {
        queue.push({ asked, resolve, reject });
        if (queue.length === 1) proceed();
      }),
  };
}
