import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bootstrap } from '../../../src/envoy/bootstrap.ts';
import { drainRequest } from '../../../src/envoy/hooks.ts';
import { proxyUser } from '../../../src/pod/conventions.ts';
import { proxyIntent, type ProxyChanges } from '../builders/proxy-intent.ts';
import type { Agent } from '../network/agent.ts';
import { inNamespace } from '../network/pod-namespace.ts';
import { until } from '../waiting.ts';
import type { MeshNetwork, MeshPodNamespace } from './mesh-network.ts';

/** A pod of a scene. */
export interface MeshPodOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceAccount?: string;
  /** Default: a proxy of the mesh. */
  readonly proxy?: 'mesh' | 'none';
  readonly settings?: ProxyChanges;
  /** Ports that are not captured in either direction. */
  readonly uncaptured?: readonly number[];
  /** How much its proxy logs; by default warnings. */
  readonly logLevel?: string;
  /** Variables of its proxy beside those of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A pod that runs. */
export interface MeshPod {
  readonly name: string;
  readonly network: MeshPodNamespace;
  /** Its application (uid 1000). */
  readonly app: Agent;
  /** What its proxy wrote: access log and its own log. */
  readonly log: () => string;
  /** Answer of its proxy's admin interface. */
  admin(url: string, method?: 'GET' | 'POST'): string;
  /** Starts its proxy, by default one of the mesh, and waits until it is ready. */
  startProxy(mode?: 'mesh' | 'standalone'): Promise<void>;
  /** Does what the proxy's preStop hook does. */
  drain(): void;
  stopProxy(): Promise<void>;
}

/** What a pod is started with. */
export interface PodPlace {
  readonly network: MeshNetwork;
  readonly own: MeshPodNamespace;
  readonly app: Agent;
  /** Path of Envoy, for its user. */
  readonly binary: string;
  /** Files of all pods. */
  readonly folder: string;
  /** Address of the control plane, the certificate by which it is known, and what the pod shows it. */
  readonly control: { readonly address: string; readonly roots: string; readonly token: string };
}

/** Makes a pod without a running proxy. `close` closes its files. */
export function createMeshPod(options: MeshPodOptions, place: PodPlace): MeshPod & { readonly close: () => void } {
  const { network, own, app, binary, folder, control } = place;
  const { name, settings = {} } = options;
  let proxy: ChildProcess | undefined;
  // A file takes all of it at once: a pipe would fill up while the test waits for an answer of this proxy.
  const logFile = path.join(folder, `log-${name}`);
  const logged = openSync(logFile, 'a');
  const log = (): string => readFileSync(logFile, 'utf8');

  /** Writes its bootstrap, and returns the path. */
  function writeBootstrap(mode: 'mesh' | 'standalone'): string {
    const tokenPath = path.join(folder, `token-${name}`);
    writeFileSync(tokenPath, control.token);
    const from = { address: control.address, roots: control.roots, tokenPath };
    const self = { address: own.v4, name, namespace: 'shop' };
    const file = path.join(folder, `bootstrap-${name}.json`);
    const intent = proxyIntent({ workload: name, ...settings });
    writeFileSync(file, JSON.stringify(bootstrap(intent, self, mode === 'mesh' ? from : undefined)));
    return file;
  }

  const pod: MeshPod = {
    name,
    network: own,
    app,
    log,
    admin: (url, method = 'GET') =>
      network.run(own.name, ['curl', '--silent', '--request', method, `http://127.0.0.1:15000${url}`]).stdout,
    async startProxy(mode = 'mesh') {
      const words = [
        '--config-path',
        writeBootstrap(mode),
        '--concurrency',
        '1',
        '--disable-hot-restart',
        '--log-level',
        options.logLevel ?? 'warning',
      ];
      const more = [
        '--component-log-level',
        'misc:error',
        '--drain-strategy',
        'immediate',
        '--drain-time-s',
        '1',
        '--file-flush-interval-msec',
        '100',
      ];
      const [command, ...rest] = [...inNamespace(own.name, proxyUser.uid), binary, ...words, ...more];
      const child = spawn(command, rest, {
        stdio: ['ignore', logged, logged],
        env: { ...process.env, ...options.environment },
      });
      proxy = child;
      const ask = ['curl', '--silent', '--fail', '--max-time', '1', `http://${own.v4}:15021/healthz/ready`];
      await until(
        () => `the proxy of ${name}:\n${log().slice(-4000)}`,
        () => {
          if (child.exitCode !== null) throw new Error(`the proxy of ${name} has ended:\n${log()}`);
          return network.run(network.hub, ask).status === 0 || undefined;
        },
      );
    },
    drain: () => void pod.admin(drainRequest(proxyIntent(settings).settings.proxy), 'POST'),
    async stopProxy() {
      if (proxy === undefined || proxy.exitCode !== null || proxy.signalCode !== null) return;
      const end = once(proxy, 'close');
      proxy.kill('SIGKILL');
      await end;
    },
  };
  return { ...pod, close: () => closeSync(logged) };
}
