import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Way } from './any-pod.ts';
import type { IstioSettings } from './any-settings.ts';
import { namespaces } from './namespaces.ts';

/** A pod or manifest with the settings under which it is injected. */
export interface Case {
  readonly way: Way;
  readonly settings: IstioSettings;
  readonly object: JsonObject;
  /** Path of the webhook's address. */
  readonly path: string;
  /** A container that another webhook adds between two calls. */
  readonly later?: JsonObject;
}

/** What an injector makes of a case. */
export type Outcome =
  | { readonly outcome: 'inject'; readonly object: JsonObject }
  | { readonly outcome: 'skip' }
  | { readonly outcome: 'deny'; readonly message: string };

/** Istio's outcome, and the object that the injectors were given. */
export interface IstioAnswer {
  readonly given: JsonObject;
  readonly outcome: Outcome;
}

interface Answer {
  readonly given?: JsonObject;
  readonly object?: JsonObject;
  readonly skipped?: boolean;
  readonly error?: string;
}

function outcomeOf({ object, skipped, error }: Answer): Outcome {
  if (error !== undefined) return { outcome: 'deny', message: error };
  return skipped === true || object === undefined ? { outcome: 'skip' } : { outcome: 'inject', object };
}

/** Istio's own injector as a running program that answers a line with a line. */
export interface IstioInjector {
  readonly inject: (one: Case) => Promise<IstioAnswer>;
  readonly stop: () => Promise<void>;
}

/** Starts the program; a failed one rejects every case with what it has written. */
export function startIstioInjector(program: string): IstioInjector {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code) => {
      for (const { reject } of waiting.splice(0)) reject(new Error(`Istio’s injector ended (${code}): ${complaint}`));
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer: Answer = JSON.parse(line);
    waiting.shift()?.resolve(answer);
  });
  const send = (value: unknown): void => void child.stdin.write(`${JSON.stringify(value)}\n`);
  send({ namespaces });
  let last: IstioSettings | undefined;
  return {
    async inject(one) {
      const answer = await new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve, reject });
        const { settings, ...rest } = one;
        send(settings === last ? rest : one);
        last = settings;
      });
      return { given: answer.given ?? one.object, outcome: outcomeOf(answer) };
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
