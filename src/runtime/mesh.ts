import { setTimeout as sleep } from 'node:timers/promises';
import { createLeafIssuer } from '../certs/elliptic-certificate.ts';
import { serviceNames } from '../certs/authority.ts';
import { dayMs } from '../certs/durations.ts';
import { createCaStore } from '../kubernetes/ca-store.ts';
import { connect, type ApiClient } from '../kubernetes/client.ts';
import { publishRoots } from '../kubernetes/roots-publisher.ts';
import type { WatchPace } from '../kubernetes/watcher.ts';
import { createAuthenticator } from '../mesh/identity/authenticator.ts';
import { ensureAuthority } from '../mesh/identity/authority-secret.ts';
import type { Caller, Refusal } from '../mesh/identity/caller.ts';
import { startControlPlane, type RunningControlPlane } from '../mesh/serve/control-plane.ts';
import { startWorldFeed } from '../mesh/serve/world-feed.ts';
import { createHealthServer, type HealthCheck } from '../server/health.ts';
import { createMetricsServer } from '../server/metrics-server.ts';
import { version } from '../settings/version.ts';
import type { Log } from '../telemetry/log.ts';
import { createMeshMetrics } from '../telemetry/mesh-metrics.ts';
import type { Address } from './address.ts';
import { listen, runCleanups, StartError, type Cleanups } from './start.ts';

export interface MeshOptions {
  /** Address for the streams of proxies. */
  readonly listen: Address;
  readonly metricsListen: Address;
  readonly healthListen: Address;
  readonly kubeconfig: string | undefined;
  /** Namespace of the control plane and its objects. */
  readonly namespace: string;
  /** Name of the Service by which proxies reach it. */
  readonly service: string;
  readonly clusterDomain: string;
  readonly trustDomain: string;
  /** Audience of the tokens of proxies. */
  readonly audience: string;
}

/** A running control plane. */
export interface RunningMesh {
  readonly port: number;
  stop(): Promise<void>;
}

/** Names of the objects that the manifest has, empty. */
const objects = {
  controlPlaneAuthority: 'sidecar-injector-mesh-control-plane',
  meshAuthority: 'sidecar-injector-mesh-root',
  roots: 'sidecar-injector-mesh-roots',
} as const;

/** Pods carry the first of them for as long as they live. */
const lifetimeMs = { controlPlane: 3_650 * dayMs, mesh: 365 * dayMs, serving: 30 * dayMs } as const;

const pace: WatchPace = {
  random: Math.random,
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, { signal });
    } catch {
      // It was stopped.
    }
  },
};

function authorities(client: ApiClient, { namespace }: MeshOptions) {
  const clock = (): Date => new Date();
  const ensure = (secret: string, name: string, lifetime: number) =>
    ensureAuthority(createCaStore(client, { namespace, name: secret }), { secret, name, lifetimeMs: lifetime, clock });
  return Promise.all([
    ensure(objects.controlPlaneAuthority, 'sidecar-injector-control-plane', lifetimeMs.controlPlane),
    ensure(objects.meshAuthority, 'sidecar-injector-mesh', lifetimeMs.mesh),
  ]);
}

async function start(options: MeshOptions, log: Log, cleanups: Cleanups): Promise<RunningMesh> {
  const metrics = createMeshMetrics(version);
  const state = { isSynced: false };
  const checks = (): readonly HealthCheck[] => [
    {
      name: 'cluster',
      ready: state.isSynced,
      reason: state.isSynced
        ? 'Services, endpoints and pods are known'
        : 'Services, endpoints and pods are being listed',
    },
  ];
  const plain = [
    [createHealthServer(checks), '--health-listen', options.healthListen],
    [createMetricsServer(metrics), '--metrics-listen', options.metricsListen],
  ] as const;
  for (const [server, flag, address] of plain) {
    await listen(server, flag, address, log);
    cleanups.push(() => void server.close());
  }
  const client = await connect(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  cleanups.push(() => client.close());
  const [own, mesh] = await authorities(client, options);
  const names = serviceNames(options.service, options.namespace, options.clusterDomain);
  const pair = createLeafIssuer(own).issue({
    names: { dns: names.dns },
    now: new Date(),
    lifetimeMs: lifetimeMs.serving,
  });
  let controlPlane: RunningControlPlane | undefined;
  const authenticator = await createAuthenticator({
    client,
    audience: options.audience,
    world: () => running().catalog.world(),
    clock: () => new Date(),
  });

  function running(): RunningControlPlane {
    if (controlPlane === undefined) throw new Error('the control plane does not run yet');
    return controlPlane;
  }

  const { host = '[::]', port } = options.listen;
  controlPlane = await startControlPlane({
    address: `${host}:${port}`,
    domains: { cluster: options.clusterDomain, trust: options.trustDomain },
    pair,
    authority: mesh,
    roots: mesh.certificate,
    authenticator: {
      // Before the cluster is known, everybody would be sent an empty configuration.
      authenticate: (token, peer): Promise<Caller | Refusal> =>
        state.isSynced
          ? authenticator.authenticate(token, peer)
          : Promise.resolve({ refused: 'the control plane is starting' }),
    },
    clock: () => new Date(),
    random: Math.random,
    report(event, { namespace, podName }) {
      if (event.type === 'unanswered') {
        log.warn({ kind: event.kind, names: event.names, namespace, pod: podName }, 'a proxy does not answer');
        return;
      }
      metrics.responses.inc({ kind: event.kind, result: event.type });
      if (event.type !== 'rejected') return;
      const { kind, name, text } = event;
      log.warn({ kind, name, namespace, pod: podName, text }, 'a proxy rejected its configuration');
    },
    refused({ kind, name, violations }, owner) {
      metrics.refused.inc({ kind });
      log.error({ kind, name, owner, violations }, 'a resource was not sent, because Envoy would reject it');
    },
    turnedAway(peerAddress, reason) {
      metrics.turnedAway.inc();
      log.warn({ peerAddress, reason }, 'a stream was refused');
    },
  });
  cleanups.push(() => controlPlane?.stop());
  metrics.observeStreams(() => {
    const sessions = [...running().sessions];
    return { open: sessions.length, inSync: sessions.filter((session) => session.isInSync()).length };
  });
  const feed = startWorldFeed({
    client,
    pace,
    onEvents: (events) => running().apply(events),
    onState(kind, watch) {
      if (watch.type === 'synced') metrics.objects.set({ kind }, watch.objects);
      else {
        metrics.watchFailures.inc({ kind });
        log.warn({ kind, detail: watch.error.message, retryMs: Math.round(watch.retryMs) }, 'a watch failed');
      }
    },
  });
  cleanups.push(() => feed.stop());
  await feed.synced;
  state.isSynced = true;
  const namespace = options.namespace;
  if (!(await publishRoots(client, { namespace, name: objects.roots }, own.certificate))) {
    throw new StartError([`the ConfigMap ${objects.roots} does not exist: apply the manifest that holds it`]);
  }
  log.info({ port: running().port }, 'serving proxies');
  return {
    port: running().port,
    async stop() {
      await runCleanups(cleanups);
      log.info('stopped');
    },
  };
}

/** Starts the control plane. Throws a `StartError` after stopping whatever was already started. */
export async function serveMesh(options: MeshOptions, log: Log): Promise<RunningMesh> {
  const cleanups: Cleanups = [];
  try {
    return await start(options, log, cleanups);
  } catch (error) {
    await runCleanups(cleanups);
    if (error instanceof StartError) throw error;
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
}
