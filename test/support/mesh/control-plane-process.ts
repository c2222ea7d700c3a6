import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { StreamLimits } from '../../../src/mesh/serve/admission.ts';
import { inNamespace } from '../network/pod-namespace.ts';
import { until } from '../waiting.ts';
import type { Command } from './control-plane-program.ts';

/** A line that the program wrote. */
export type Line = Readonly<Record<string, unknown>> & { readonly type: string };

/** The control plane in a process of its own, in a network namespace. */
export interface ControlPlaneProcess {
  /** Root certificate by which proxies know it, PEM. */
  readonly roots: string;
  readonly port: number;
  readonly lines: readonly Line[];
  say(command: Command): void;
  /** Whether each of its streams is in sync. */
  inSync(): Promise<readonly boolean[]>;
  /** Waits until every stream is in sync, and there are so many. */
  untilInSync(count: number): Promise<void>;
  /**
   * Lines about resources that are against the rules of Envoy's API, or that a proxy has rejected. One that takes its time to answer is none:
   * whether all have answered in the end is what `untilInSync` says.
   */
  complaints(): readonly Line[];
  readonly isRunning: () => boolean;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Waits until every stream of some replicas is in sync, and there are so many. */
export async function untilInSync(replicas: readonly ControlPlaneProcess[], count: number): Promise<void> {
  await until('all proxies in sync', async () => {
    const all = (await Promise.all(replicas.map((one) => one.inSync()))).flat();
    return (all.length === count && all.every(Boolean)) || undefined;
  });
}

/** Starts it; `stateFile` keeps the authorities for the next start. */
export async function startControlPlaneProcess(
  namespace: string,
  address: string,
  stateFile: string,
  limits: Partial<StreamLimits> = {},
): Promise<ControlPlaneProcess> {
  const program = new URL('control-plane-program.ts', import.meta.url).pathname;
  const [command, ...words] = [
    ...inNamespace(namespace),
    process.execPath,
    program,
    address,
    stateFile,
    JSON.stringify(limits),
  ];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(command, words, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  const listening = await until('the control plane', () => {
    if (child.exitCode !== null) throw new Error(`the control plane has ended with ${child.exitCode}`);
    return lines.find(({ type }) => type === 'listening');
  });
  const say = (line: Command): void => void child.stdin.write(`${JSON.stringify(line)}\n`);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const running: ControlPlaneProcess = {
    roots: String(listening['roots']),
    port: Number(listening['port']),
    lines,
    say,
    async inSync() {
      const before = lines.length;
      say({ type: 'sync' });
      const answer = await until('an answer', () => lines.slice(before).find(({ type }) => type === 'sessions'));
      return (answer['inSync'] as readonly (readonly [string, boolean])[]).map(([, isInSync]) => isInSync);
    },
    untilInSync: (count) => untilInSync([running], count),
    complaints: () => lines.filter(({ type }) => type === 'refused' || type === 'rejected'),
    isRunning,
    async stop(signal = 'SIGTERM') {
      if (!isRunning()) return;
      const end = once(child, 'exit');
      child.kill(signal);
      await end;
    },
  };
  return running;
}
