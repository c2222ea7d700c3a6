import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { captureScript } from '../../../test/support/network/capture-script.ts';
import { confined, fieldsOf, launchOf } from '../../../test/support/network/container-launch.ts';
import { containerOf, injectedPod, podWith } from '../../../test/support/builders/decisions.ts';
import type { Agent } from '../../../test/support/network/agent.ts';
import { snapshotOf } from '../../../test/support/builders/snapshots.ts';

/** A way to run the proxy: the injector's settings, and what is changed afterwards in the arguments that it wrote. */
export interface Variant {
  readonly name: string;
  readonly settings?: object;
  /** Whether the application has probes, which the proxy answers. */
  readonly probed?: boolean;
  readonly edit?: (args: readonly string[]) => readonly string[];
  /** Command that runs the proxy's, as a profiler does. */
  readonly runner?: readonly string[];
}

/** A network namespace that stands for a pod. */
export interface PodPlace {
  readonly namespace: string;
  readonly ip: string;
  /** Some process of the namespace. */
  readonly agent: Agent;
}

export interface Sidecar {
  readonly pid: number;
  /** From the start of the process until it answers its startup probe. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Long enough for a program that runs under a profiler on a busy machine. */
const mostReadyMs = 300_000;

async function untilReady(agent: Agent, hasEnded: () => boolean): Promise<void> {
  const end = performance.now() + mostReadyMs;
  for (;;) {
    if (hasEnded() || performance.now() > end) throw new Error('the proxy did not become ready');
    const answer = await agent.ask({ url: 'http://127.0.0.1:15021/healthz/ready' }).catch(() => undefined);
    if (answer?.status === 200) return;
    await pause(2);
  }
}

/** Runs both containers that the engine injects. What the proxy writes goes nowhere. */
export async function startSidecar(place: PodPlace, binary: string, variant: Variant): Promise<Sidecar> {
  const probe = (path: string) => ({ httpGet: { path, port: 8080 } });
  const probes = { readinessProbe: probe('/ready'), livenessProbe: probe('/live') };
  const injected = injectedPod(
    podWith(variant.probed === true ? { container: probes } : {}),
    snapshotOf(variant.settings),
  );
  const fields = fieldsOf(injected, place.ip);
  const path = process.env['PATH'] ?? '';
  const init = launchOf(containerOf(injected, 'istio-init'), fields, [captureScript]);
  const [initCommand, ...initWords] = confined(place.namespace, init);
  const loaded = spawnSync(initCommand, initWords, { encoding: 'utf8', env: { PATH: path, ...init.env } });
  if (loaded.status !== 0) throw new Error(`the init container has failed: ${loaded.stderr}`);

  const launch = launchOf(containerOf(injected, 'istio-proxy'), fields);
  const args = launch.command.slice(1);
  const [command, ...words] = confined(place.namespace, launch, [
    ...(variant.runner ?? []),
    binary,
    ...(variant.edit?.(args) ?? args),
  ]);
  const startMs = performance.now();
  const child = spawn(command, words, { env: { PATH: path, ...launch.env }, stdio: 'ignore' });
  const exit = once(child, 'exit');
  await untilReady(place.agent, () => child.exitCode !== null || child.signalCode !== null).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(variant.name, { cause: error });
  });
  return {
    pid: child.pid ?? 0,
    readyMs: performance.now() - startMs,
    async stop() {
      child.kill('SIGTERM');
      await exit;
    },
  };
}
