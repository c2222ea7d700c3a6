import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JsonObject } from '../../../src/json/json.ts';
import type { StreamLimits } from '../../../src/mesh/serve/admission.ts';
import { annotationNames } from '../../../src/pod/annotation-names.ts';
import { ports, proxyUser } from '../../../src/pod/conventions.ts';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { injectedParts } from './injected-parts.ts';
import { captureIntent } from '../builders/capture-intent.ts';
import { startAgent, type Agent } from '../network/agent.ts';
import { captureEnvironment, captureScript } from '../network/capture-script.ts';
import { envoyBinary } from '../network/envoy.ts';
import { accessibleTo } from '../processes/accessible-file.ts';
import type { Authorities, Command } from './control-plane-program.ts';
import { startControlPlaneProcess, untilInSync, type ControlPlaneProcess } from './control-plane-process.ts';
import { createMeshNetwork, type MeshNetwork, type MeshPodNamespace } from './mesh-network.ts';
import { createMeshPod, type MeshPod, type MeshPodOptions } from './mesh-pod.ts';

export type { MeshPod, MeshPodOptions } from './mesh-pod.ts';

/** Returns the token that a pod shows. */
export function tokenOf(pod: string): string {
  return `shown-by-${pod}`;
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
  /** Starts another replica of the control plane. */
  startReplica(): Promise<ControlPlaneProcess>;
  /** Has new streams come to these replicas in turn, as a Service does. Until then they come to the first one. */
  steer(replicas: readonly ControlPlaneProcess[]): void;
  /** Tells a replica of no change any more. */
  isolate(replica: ControlPlaneProcess): void;
  /** Waits until the streams of these replicas are in sync, and there are so many. */
  untilInSync(replicas: readonly ControlPlaneProcess[], count: number): Promise<void>;
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

  /** Those that are told of changes. */
  const informed = new Set<ControlPlaneProcess>();

  function inform(line: Command): void {
    for (const one of informed) if (one.isRunning()) one.say(line);
  }

  async function startProcess(at = port): Promise<ControlPlaneProcess> {
    const started = await startControlPlaneProcess(
      network.hub,
      `${network.hubV4}:${at}`,
      path.join(folder, 'state.json'),
      limits,
    );
    cleanups.push(() => started.stop('SIGKILL'));
    informed.add(started);
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
    let lastPort = port;

    const pods: Record<string, MeshPod> = {};
    for (const [index, options] of wanted.entries()) {
      const own = network.pods[index];
      if (own === undefined) throw new Error('the network has too few pods');
      const app = await startAgent(own.name, 1000);
      cleanups.push(() => app.stop());
      const token = tokenOf(options.name);
      const control = { address: `${network.hubV4}:${port}`, roots: controlPlane.roots, token };
      const pod = createMeshPod(options, { network, own, app, binary: binary.path, folder, control });
      cleanups.push(() => pod.close());
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
      startReplica() {
        lastPort += 1;
        return startProcess(lastPort);
      },
      steer(replicas) {
        const chain = ['iptables', '--table', 'nat'];
        const rules = replicas.map((one, index) =>
          [
            `--append PREROUTING --protocol tcp --dport ${port}`,
            `--match statistic --mode nth --every ${replicas.length - index} --packet 0`,
            `--jump REDIRECT --to-ports ${one.port}`,
          ].flatMap((part) => part.split(' ')),
        );
        for (const words of [['--flush', 'PREROUTING'], ...rules]) {
          const { status, stderr } = network.run(network.hub, [...chain, ...words]);
          if (status !== 0) throw new Error(stderr);
        }
      },
      isolate: (replica) => void informed.delete(replica),
      untilInSync,
      set(...changed) {
        for (const object of changed) objects.set(idOf(object), object);
        inform({ type: 'set', objects: changed });
      },
      delete(...gone) {
        for (const object of gone) objects.delete(idOf(object));
        inform({ type: 'delete', objects: gone });
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
