import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { JsonObject } from '../../../src/json/json.ts';
import { proxyUser } from '../../../src/pod/conventions.ts';
import { accessibleTo } from '../processes/accessible-file.ts';
import { captureScript } from './capture-script.ts';
import { confined, fieldsOf, launchOf, type ContainerLaunch } from './container-launch.ts';
import { containerOf, injectedPod, type InjectedPod } from '../builders/decisions.ts';
import { envoyBinary } from './envoy.ts';
import { addresses, createPodNamespace, type Finished, type PodNamespace } from './pod-namespace.ts';
import { snapshotOf } from '../builders/snapshots.ts';
import { until } from '../waiting.ts';

/** One line of the proxy's access log. */
export type LogEntry = Readonly<Record<string, string | number | null>>;

/**
 * A pod as the engine injects it, run as the kubelet would run it: its own init container, then its own proxy, with
 * their users, capabilities, environment and a read-only root, in a network namespace.
 */
export interface RunningPod {
  readonly namespace: PodNamespace;
  readonly injected: InjectedPod;
  /** Runs the init container of this injection or of another one. `path` stands for what its image has in PATH. */
  initialise(injected?: InjectedPod, path?: string): Finished;
  /** Starts the proxy and waits for its startup probe. */
  startProxy(): Promise<void>;
  /** Ends the proxy as the kubelet does in the end. */
  stopProxy(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Runs the proxy's preStop hook to its end. */
  preStop(): Promise<number | null>;
  /** Process id of the proxy. */
  readonly proxyPid: number;
  /** For each pattern the sum of the proxy's statistics whose line in Prometheus' format matches, read at one time. */
  statistics(...patterns: readonly RegExp[]): number[];
  /** Its access log, which it writes every ten seconds and when it ends. */
  readonly entries: readonly LogEntry[];
  remove(): Promise<void>;
}

export interface PodOptions {
  /** Tells several of one test file apart. */
  readonly label: string;
  /** The pod before its injection. */
  readonly pod: JsonObject;
  /** `spec` of the injector's settings. */
  readonly settings?: object;
  /** Family of the pod's first address. */
  readonly family?: 'v4' | 'v6';
}

interface HttpProbe {
  readonly httpGet: { readonly path: string; readonly port: number };
}

function launchInit(injected: InjectedPod, podIp: string): ContainerLaunch {
  return launchOf(containerOf(injected, 'istio-init'), fieldsOf(injected, podIp), [captureScript]);
}

/** Injects the pod, makes its namespace, runs its init container and starts its proxy. Whoever starts it removes it. */
export async function startPod({ label, pod, settings = {}, family = 'v4' }: PodOptions): Promise<RunningPod> {
  const injected = injectedPod(pod, snapshotOf(settings));
  const podIp = addresses.pod[family];
  const container = containerOf(injected, 'istio-proxy');
  const launch = launchOf(container, fieldsOf(injected, podIp));
  const namespace = createPodNamespace(label);
  const binary = accessibleTo(proxyUser.uid, envoyBinary());
  const path = process.env['PATH'] ?? '';
  let proxy: ChildProcess | undefined;
  let proxyLog = '';
  let accessLog = '';

  const isStarted = (): boolean => {
    const { httpGet } = container['startupProbe'] as HttpProbe;
    const host = family === 'v4' ? podIp : `[${podIp}]`;
    const request = ['curl', '--silent', '--fail', '--max-time', '3', `http://${host}:${httpGet.port}${httpGet.path}`];
    return namespace.run('cluster', request).status === 0;
  };

  const running: RunningPod = {
    namespace,
    injected,
    initialise(other = injected, imagePath = path) {
      const init = launchInit(other, podIp);
      const [command, ...words] = confined(namespace.name.pod, init, ['env', `PATH=${imagePath}`, ...init.command]);
      return spawnSync(command, words, { encoding: 'utf8', env: { PATH: path, ...init.env } });
    },
    async startProxy() {
      const [name, ...rest] = launch.command;
      if (name !== 'envoy') throw new Error(`the image has no ${name}`);
      const [command, ...words] = confined(namespace.name.pod, launch, [binary.path, ...rest]);
      const child = spawn(command, words, { env: { PATH: path, ...launch.env }, stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.on('data', (chunk: Buffer) => (accessLog += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (proxyLog += chunk.toString()));
      proxy = child;
      await until(
        () => `the proxy's startup probe:\n${proxyLog}`,
        () => {
          if (child.exitCode !== null) throw new Error(`the proxy has ended with ${child.exitCode}:\n${proxyLog}`);
          return isStarted() || undefined;
        },
      );
    },
    async stopProxy(signal = 'SIGTERM') {
      if (proxy === undefined || proxy.exitCode !== null || proxy.signalCode !== null) return;
      // Later than its exit: by then all that it has written is here.
      const end = once(proxy, 'close');
      proxy.kill(signal);
      await end;
    },
    async preStop() {
      const { preStop } = container['lifecycle'] as { preStop: { exec: { command: string[] } } };
      const [command, ...words] = confined(namespace.name.pod, launch, preStop.exec.command);
      const hook = spawn(command, words, {
        env: { PATH: path, ...launch.env },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [code] = (await once(hook, 'exit')) as [number | null];
      return code;
    },
    get proxyPid() {
      if (proxy?.pid === undefined) throw new Error('the proxy does not run');
      return proxy.pid;
    },
    statistics(...patterns) {
      const host = family === 'v4' ? podIp : `[${podIp}]`;
      const { stdout } = namespace.run('cluster', ['curl', '--silent', `http://${host}:15090/stats/prometheus`]);
      const lines = stdout.split('\n');
      return patterns.map((pattern) =>
        lines.filter((line) => pattern.test(line)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0),
      );
    },
    get entries() {
      const lines = accessLog.split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as LogEntry);
    },
    async remove() {
      await running.stopProxy();
      binary.remove();
      namespace.remove();
    },
  };

  try {
    const loaded = running.initialise();
    if (loaded.status !== 0) throw new Error(`the init container has failed: ${loaded.stderr}`);
    await running.startProxy();
  } catch (error) {
    await running.remove();
    throw error;
  }
  return running;
}
