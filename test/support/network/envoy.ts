import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { envoyArguments } from '../../../src/envoy/arguments.ts';
import { renderBootstrap } from '../../../src/envoy/bootstrap.ts';
import type { ProxyIntent } from '../../../src/envoy/intent.ts';
import { readyCommand } from '../../../src/envoy/ready.ts';
import { proxyUser } from '../../../src/pod/conventions.ts';
import { accessibleTo } from '../processes/accessible-file.ts';
import { expandLikeKubelet } from '../models/kubelet-expansion.ts';
import { addresses, inNamespace, type PodNamespace } from './pod-namespace.ts';

/** The Envoy that the tier's runner provides. */
export function envoyBinary(): string {
  const path = process.env['ENVOY_BIN'];
  if (path === undefined || path === '') {
    throw new Error('ENVOY_BIN is not set: it must name an Envoy 1.40 executable for the tests of this tier');
  }
  accessSync(path, constants.X_OK);
  return path;
}

function podVariables(family: 'v4' | 'v6'): Readonly<Record<string, string>> {
  return { POD_IP: addresses.pod[family], POD_NAME: 'web-1', POD_NAMESPACE: 'shop' };
}

/** Envoy's arguments as its container has them. */
export function argumentsOf(intent: ProxyIntent): string[] {
  return envoyArguments({
    bootstrap: renderBootstrap(intent),
    concurrency: 1,
    drainSeconds: 15,
    logLevel: 'warning',
    componentLogLevel: 'misc:error',
  });
}

/** What `envoy --mode validate` has to say against arguments as a container has them; empty when they are good. */
export function validateArguments(args: readonly string[]): string {
  // The volume of the log is not here, and Envoy opens the file even now.
  const words = args
    .map((word) => expandLikeKubelet(word, podVariables('v4')))
    .map((word) => word.replaceAll('/var/log/istio', tmpdir()));
  const result = spawnSync(envoyBinary(), ['--mode', 'validate', ...words], { encoding: 'utf8' });
  return result.status === 0 ? '' : `exit code ${result.status}: ${result.stderr}`;
}

export interface RunningEnvoy {
  /** What it has written so far: access log on stdout, its own log on stderr. */
  readonly output: { stdout: string; stderr: string };
  /** Settles with its exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>;
}

export interface EnvoyOptions {
  /** Family of the pod's first address. */
  readonly family?: 'v4' | 'v6';
  /** Replaces the drain time of the arguments. */
  readonly drainSeconds?: number;
  /** Folders of the container that are folders of the test: volumes. */
  readonly folders?: Readonly<Record<string, string>>;
  readonly moreArguments?: readonly string[];
}

/** Starts the proxy in the pod as its own user, as the kubelet would, and waits until it takes traffic. */
export async function startEnvoy(
  pod: PodNamespace,
  intent: ProxyIntent,
  options: EnvoyOptions = {},
): Promise<RunningEnvoy> {
  const binary = accessibleTo(proxyUser.uid, envoyBinary());
  const expanded = argumentsOf(intent).map((word) => expandLikeKubelet(word, podVariables(options.family ?? 'v4')));
  const words = [...expanded, ...(options.moreArguments ?? [])].map((word) =>
    Object.entries(options.folders ?? {}).reduce((text, [inside, outside]) => text.replaceAll(inside, outside), word),
  );
  if (options.drainSeconds !== undefined) words[words.indexOf('--drain-time-s') + 1] = String(options.drainSeconds);
  const [command, ...rest] = [...inNamespace(pod.name.pod, proxyUser.uid), binary.path, ...words];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = once(child, 'exit').then(([code]) => {
    binary.remove();
    return code as number | null;
  });
  const [bash, ...script] = [...inNamespace(pod.name.pod, proxyUser.uid), ...readyCommand(intent.settings.proxy.admin)];
  const waiter = spawn(bash, script, { stdio: 'ignore' });
  const first = await Promise.race([once(waiter, 'exit').then(() => 'ready'), ended.then(() => 'ended')]);
  if (first === 'ended') {
    waiter.kill();
    throw new Error(`Envoy has ended before it was ready:\n${output.stderr}`);
  }
  return {
    output,
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}
