import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Evictable } from '../audit/finding.ts';
import { connect } from '../kubernetes/client.ts';
import { standForElection, type LeasePolicy } from '../kubernetes/lease.ts';
import { createHealthServer, type HealthCheck } from '../server/health.ts';
import { createMetricsServer } from '../server/metrics-server.ts';
import { profilePages } from '../server/profile-pages.ts';
import { version } from '../settings/version.ts';
import { createAuditMetrics } from '../telemetry/audit-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import type { Address } from './address.ts';
import { lead, type Leadership, type LeadershipPolicy } from './audit-leader.ts';
import { watchServerVersion } from './cluster-facts.ts';
import { startConfigurationReloader } from './configuration-reloader.ts';
import { describeFileProblem, type MeshRootsFile } from './configuration.ts';
import { every } from './pace.ts';
import { closePlain, listen, runCleanups, StartError, startOrCleanUp, type Cleanups } from './start.ts';

export interface AuditOptions {
  readonly metricsListen: Address;
  /** Whether profiles of this process can be had there. Default: they cannot. */
  readonly profiling?: boolean;
  readonly healthListen: Address;
  readonly settings: string | undefined;
  readonly sidecars: readonly string[] | undefined;
  readonly meshRoots?: MeshRootsFile | undefined;
  readonly kubeconfig: string | undefined;
  /** Namespace and name of the Lease by which replicas elect a leader. */
  readonly namespace: string;
  readonly lease: string;
  /** Findings for which pods are evicted; none by default. */
  readonly evict: readonly Evictable[];
  /** Least time between two evictions. */
  readonly evictEveryMs: number;
  /** Times of an election and of what the leader does. Default: those for clusters. */
  readonly leasePolicy?: LeasePolicy;
  readonly policy?: LeadershipPolicy;
}

/** A running auditor. */
export interface Auditing {
  readonly metricsAddress: AddressInfo;
  /** Lets go of the Lease, and resolves when everything is closed. */
  stop(): Promise<void>;
}

async function start(options: AuditOptions, log: Log, cleanups: Cleanups): Promise<Auditing> {
  const metrics = createAuditMetrics(version);
  metrics.observeProcess();
  const { settings, sidecars, meshRoots } = options;
  const configuration = await startConfigurationReloader({ settings, sidecars, meshRoots }, { log, metrics });
  if ('problems' in configuration) throw new StartError(configuration.problems.map(describeFileProblem));
  cleanups.push(() => configuration.stop());
  const client = await connect(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  cleanups.push(() => client.close());
  const replica = hostname();
  const nowMs = (): number => performance.now();
  let leadership: Leadership | undefined;
  let election: HealthCheck = { name: 'election', ready: false, reason: 'the Lease has not been read yet' };

  function stopLeading(): void {
    leadership?.stop();
    leadership = undefined;
  }

  const servers = [
    [createHealthServer(() => [configuration.health(), election]), '--health-listen', options.healthListen],
    [
      createMetricsServer(metrics, options.profiling === true ? profilePages() : undefined),
      '--metrics-listen',
      options.metricsListen,
    ],
  ] as const;
  const addresses: AddressInfo[] = [];
  for (const [server, flag, address] of servers) {
    await listen(server, flag, address, log);
    cleanups.push(() => closePlain(server));
    addresses.push(server.address() as AddressInfo);
  }
  const facts = watchServerVersion(client, configuration, log);
  cleanups.push(() => facts.stop());
  const candidate = standForElection({
    client,
    namespace: options.namespace,
    name: options.lease,
    candidate: `${replica}_${randomUUID()}`,
    ...(options.leasePolicy === undefined ? {} : { policy: options.leasePolicy }),
    clock: () => new Date(),
    nowMs,
    every,
    onState(state) {
      if (state.type !== 'leads') stopLeading();
      switch (state.type) {
        case 'leads':
          election = { name: 'election', ready: true, reason: 'this replica leads' };
          log.info('this replica leads');
          leadership ??= lead({
            client,
            injector: () => configuration.injector(),
            isLeader: () => candidate.isLeader(),
            replica,
            evict: options.evict,
            evictEveryMs: options.evictEveryMs,
            ...(options.policy === undefined ? {} : { policy: options.policy }),
            log,
            metrics,
            nowMs,
          });
          break;
        case 'follows':
          election = { name: 'election', ready: true, reason: `${state.leader} leads` };
          log.info({ leader: state.leader }, 'another replica leads');
          break;
        case 'failed':
          election = { name: 'election', ready: false, reason: state.detail };
          log.warn({ detail: state.detail }, 'this replica cannot be elected');
          break;
      }
    },
  });
  cleanups.push(
    () => candidate.stop(),
    () => stopLeading(),
  );
  metrics.observe({
    isLeader: () => candidate.isLeader(),
    pods: () => leadership?.pods(),
    found: () => leadership?.found() ?? [],
    isBreakerOpen: () => leadership?.isBreakerOpen() ?? false,
  });
  const [healthAddress, metricsAddress] = addresses;
  if (healthAddress === undefined || metricsAddress === undefined) throw new Error('a server has no address');
  log.info({ health: healthAddress.port, metrics: metricsAddress.port }, 'listening');
  return {
    metricsAddress,
    async stop() {
      await runCleanups(cleanups);
      log.info('stopped');
    },
  };
}

/** Starts the auditor. Throws a `StartError` with all problems, after stopping whatever was already started. */
export async function audit(options: AuditOptions, log: Log): Promise<Auditing> {
  return startOrCleanUp((cleanups) => start(options, log, cleanups));
}
