import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bootstrap } from '../../../src/envoy/bootstrap.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { StreamLimits } from '../../../src/mesh/serve/admission.ts';
import { annotationNames } from '../../../src/pod/annotation-names.ts';
import { ports, proxyUser } from '../../../src/pod/conventions.ts';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { injectedParts } from './injected-parts.ts';
import { captureIntent } from '../builders/capture-intent.ts';
import { proxyIntent, type ProxyChanges } from '../builders/proxy-intent.ts';
import { startAgent, type Agent } from '../network/agent.ts';
import { captureEnvironment, captureScript } from '../network/capture-script.ts';
import { envoyBinary } from '../network/envoy.ts';
import { inNamespace } from '../network/pod-namespace.ts';
import { accessibleTo } from '../processes/accessible-file.ts';
import { until } from '../waiting.ts';
import type { Authorities } from './control-plane-program.ts';
import { startControlPlaneProcess, type ControlPlaneProcess } from './control-plane-process.ts';
import { createMeshNetwork, type MeshNetwork, type MeshPodNamespace } from './mesh-network.ts';

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

/** Returns the token that a pod shows. */
export function tokenOf(pod: string): string {
  return `shown-by-${pod}`;
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
  admin(url: string): string;
  startProxy(): Promise<void>;
  stopProxy(): Promise<void>;
}

/** Pods, each with a proxy, an application and an address, around a control plane. */
export interface MeshScene {
  readonly network: MeshNetwork;
  readonly pods: Readonly<Record<string, MeshPod>>;
  /** A client and server without a proxy. */
  readonly outside: Agent;
  readonly controlPlane: ControlPlaneProcess;
  /** The authorities of the control plane itself and of the mesh, with their keys. */
  readonly authorities: Authorities;
  restartControlPlane(): Promise<void>;
  /** Sets or deletes objects of the cluster; they survive the control plane. */
  set(...objects: readonly JsonObject[]): void;
  delete(...objects: readonly JsonObject[]): void;
  stop(): Promise<void>;
}

export const port = 15_012;

/** Captures what an injected pod of the mesh has captured, but for the ports of the options. */
function captureOf({ uncaptured = [] }: MeshPodOptions): CaptureIntent {
  const own = [ports.metrics, ports.health, ports.status];
  const excludePorts = [...own, ...uncaptured].map((number) => ({ first: number, last: number }));
  return captureIntent({ inbound: { excludePorts }, outbound: { excludePorts } });
}

/** A pod as the API server would tell of it. */
export function podObject(options: MeshPodOptions, index: number, network: MeshPodNamespace): JsonObject {
  const isMesh = options.proxy !== 'none';
  return {
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name: options.name,
      uid: `uid-${index}`,
      labels: { app: options.name, ...(isMesh && { 'security.istio.io/tlsMode': 'istio' }), ...options.labels },
      ...(options.uncaptured && {
        annotations: { [annotationNames.bypassedInboundPorts]: options.uncaptured.join(',') },
      }),
    },
    spec: {
      serviceAccountName: options.serviceAccount ?? options.name,
      ...(isMesh ? injectedParts() : { containers: [] }),
    },
    status: { phase: 'Running', podIPs: [{ ip: network.v4 }, { ip: network.v6 }] },
  };
}

/** Opens a scene. Whoever opens it stops it. */
export async function openMesh(
  label: string,
  wanted: readonly MeshPodOptions[],
  limits: Partial<StreamLimits> = {},
): Promise<MeshScene> {
  const network = createMeshNetwork(label, wanted.length);
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-mesh-'));
  chmodSync(folder, 0o755);
  const cleanups: (() => Promise<void> | void)[] = [
    () => network.remove(),
    () => rmSync(folder, { recursive: true, force: true }),
  ];
  const objects = new Map<string, JsonObject>();
  const binary = accessibleTo(proxyUser.uid, envoyBinary());
  cleanups.push(() => binary.remove());

  async function cleanUp(): Promise<void> {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  }

  function idOf(object: JsonObject): string {
    const { namespace, name } = object['metadata'] as { namespace: string; name: string };
    return `${object['kind'] as string} ${namespace}/${name}`;
  }

  async function startProcess(): Promise<ControlPlaneProcess> {
    const started = await startControlPlaneProcess(
      network.hub,
      `${network.hubV4}:${port}`,
      path.join(folder, 'state.json'),
      limits,
    );
    for (const [index, { name, serviceAccount = name }] of wanted.entries()) {
      const caller = { namespace: 'shop', serviceAccount, podName: name, podUid: `uid-${index}` };
      started.say({ type: 'token', token: tokenOf(name), caller });
    }
    if (objects.size > 0) started.say({ type: 'set', objects: [...objects.values()] });
    return started;
  }

  try {
    for (const [index, options] of wanted.entries()) {
      const own = network.pods[index];
      if (own !== undefined) objects.set(`Pod shop/${options.name}`, podObject(options, index, own));
    }
    let controlPlane = await startProcess();
    cleanups.push(() => controlPlane.stop('SIGKILL'));

    function podOf(options: MeshPodOptions, own: MeshPodNamespace, app: Agent): MeshPod {
      const { name, settings = {} } = options;
      let proxy: ChildProcess | undefined;
      // A file takes all of it at once: a pipe would fill up while the test waits for an answer of this proxy.
      const logFile = path.join(folder, `log-${name}`);
      const logged = openSync(logFile, 'a');
      cleanups.push(() => closeSync(logged));
      const log = (): string => readFileSync(logFile, 'utf8');
      const pod: MeshPod = {
        name,
        network: own,
        app,
        log,
        admin: (url) => network.run(own.name, ['curl', '--silent', `http://127.0.0.1:15000${url}`]).stdout,
        async startProxy() {
          const token = path.join(folder, `token-${name}`);
          writeFileSync(token, tokenOf(name));
          const control = { address: `${network.hubV4}:${port}`, roots: controlPlane.roots, tokenPath: token };
          const self = { address: own.v4, name, namespace: 'shop' };
          const file = path.join(folder, `bootstrap-${name}.json`);
          writeFileSync(file, JSON.stringify(bootstrap(proxyIntent({ workload: name, ...settings }), self, control)));
          const words = [
            '--config-path',
            file,
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
          const [command, ...rest] = [...inNamespace(own.name, proxyUser.uid), binary.path, ...words, ...more];
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
        async stopProxy() {
          if (proxy === undefined || proxy.exitCode !== null || proxy.signalCode !== null) return;
          const end = once(proxy, 'close');
          proxy.kill('SIGKILL');
          await end;
        },
      };
      return pod;
    }

    const pods: Record<string, MeshPod> = {};
    for (const [index, options] of wanted.entries()) {
      const own = network.pods[index];
      if (own === undefined) throw new Error('the network has too few pods');
      const app = await startAgent(own.name, 1000);
      cleanups.push(() => app.stop());
      const pod = podOf(options, own, app);
      pods[options.name] = pod;
      if (options.proxy === 'none') continue;
      const captured = network.run(own.name, [captureScript], {
        env: captureEnvironment(captureOf(options)),
      });
      if (captured.status !== 0) throw new Error(`capture.sh has failed: ${captured.stderr}`);
      cleanups.push(() => pod.stopProxy());
      await pod.startProxy();
    }
    const outside = await startAgent(network.hub);
    cleanups.push(() => outside.stop());

    return {
      network,
      pods,
      outside,
      get controlPlane() {
        return controlPlane;
      },
      authorities: JSON.parse(readFileSync(path.join(folder, 'state.json'), 'utf8')) as Authorities,
      async restartControlPlane() {
        await controlPlane.stop('SIGKILL');
        controlPlane = await startProcess();
      },
      set(...changed) {
        for (const object of changed) objects.set(idOf(object), object);
        controlPlane.say({ type: 'set', objects: changed });
      },
      delete(...gone) {
        for (const object of gone) objects.delete(idOf(object));
        controlPlane.say({ type: 'delete', objects: gone });
      },
      stop: cleanUp,
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** One port of a Service of a scene, and where it leads. */
export interface ScenePort {
  readonly name: string;
  readonly port: number;
  readonly target: number;
}

/** A Service and its EndpointSlice. */
export function serviceObjects(
  name: string,
  address: string,
  ports: readonly ScenePort[],
  endpoints: readonly MeshPod[],
): readonly [service: JsonObject, slice: JsonObject] {
  return [
    {
      kind: 'Service',
      metadata: { namespace: 'shop', name, uid: `service-${name}` },
      spec: {
        clusterIP: address,
        ...(address !== 'None' && { clusterIPs: [address] }),
        ports: ports.map((one) => ({ name: one.name, port: one.port, protocol: 'TCP' })),
      },
    },
    {
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      metadata: {
        namespace: 'shop',
        name: `${name}-1`,
        uid: `slice-${name}`,
        labels: { 'kubernetes.io/service-name': name },
      },
      ports: ports.map((one) => ({ name: one.name, port: one.target, protocol: 'TCP' })),
      endpoints: endpoints.map((pod) => ({
        addresses: [pod.network.v4],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', namespace: 'shop', name: pod.name },
      })),
    },
  ];
}
