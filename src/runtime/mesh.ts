import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { createLeafIssuer } from '../certs/elliptic-certificate.ts';
import { serviceNames } from '../certs/authority.ts';
import { dayMs } from '../certs/durations.ts';
import { keepLeaf, type Leaf } from '../certs/kept-leaf.ts';
import { connect } from '../kubernetes/client.ts';
import { createAuthenticator } from '../mesh/identity/authenticator.ts';
import type { RootPolicy } from '../mesh/identity/root-rotation.ts';
import { kinds } from '../mesh/resources/kinds.ts';
import { defaultStreamLimits } from '../mesh/serve/admission.ts';
import { defaultStrangerLimits } from '../mesh/serve/connection-gate.ts';
import { startControlPlane, type RunningControlPlane } from '../mesh/serve/control-plane.ts';
import { createFreshness } from '../mesh/serve/freshness.ts';
import { createDigests, writeKnowledge, type Knowledge } from '../mesh/serve/knowledge.ts';
import { noPeers } from '../mesh/serve/mode-reports.ts';
import { systemTimers } from '../mesh/serve/timers.ts';
import { clusterKinds, startWorldFeed, watchedKinds } from '../mesh/serve/world-feed.ts';
import { createHealthServer, type HealthCheck } from '../server/health.ts';
import { createMetricsServer } from '../server/metrics-server.ts';
import { profilePages } from '../server/profile-pages.ts';
import type { PlainPage, PlainPages } from '../server/plain-server.ts';
import { version } from '../settings/version.ts';
import type { Log } from '../telemetry/log.ts';
import { createMeshMetrics } from '../telemetry/mesh-metrics.ts';
import type { Address } from './address.ts';
import { openOwnAuthority, watchOwnAuthority } from './mesh-authorities.ts';
import { describeCluster } from './mesh-checks.ts';
import { isMemoryFull } from './memory.ts';
import { askAnswers, askPeers, identityPath, knowledgePath, peerAddresses, watchPeers } from './mesh-peers.ts';
import { meshReports } from './mesh-reports.ts';
import { openMeshRoot, type MeshRoot } from './mesh-root.ts';
import { exchangeGuards, guardsPath, modesPath, type GuardExchange } from './report-peers.ts';
import { startRuleAdmission, type RuleAdmission } from './rule-admission-server.ts';
import { startRuleStatus, type RuleStatus } from './rule-status.ts';
import { every, pace } from './pace.ts';
import { closePlain, listen, runCleanups, startOrCleanUp, type Cleanups } from './start.ts';

export interface MeshOptions {
  /** Address for the streams of proxies. */
  readonly listen: Address;
  /** Address for questions of the API server about traffic rules. */
  readonly rulesListen: Address;
  readonly metricsListen: Address;
  /** Whether profiles of this process can be had there. Default: they cannot. */
  readonly profiling?: boolean;
  readonly healthListen: Address;
  readonly kubeconfig: string | undefined;
  /** Namespace of the control plane and its objects. */
  readonly namespace: string;
  /** Name of the Service by which proxies reach it. */
  readonly service: string;
  readonly clusterDomain: string;
  readonly trustDomain: string;
  /** Namespace whose rules count for all others where these have none. */
  readonly rootNamespace: string;
  /** Audience of the tokens of proxies. */
  readonly audience: string;
  /** Streams that this replica takes at most. */
  readonly maxStreams: number;
  /** Resolves when it is to stop, which may be while it still waits for the API server. */
  readonly stopped: Promise<unknown>;
  /** Default: the system's clock. */
  readonly clock?: () => Date;
  /** Times of a rotation of the mesh's root. Default: those for clusters. */
  readonly rootPolicy?: RootPolicy;
}

/** A control plane that runs, unless it was stopped before it knew the cluster. */
export interface RunningMesh {
  readonly port: number;
  stop(): Promise<void>;
}

/** Life of the certificate that proxies see. */
const servingMs = 30 * dayMs;

async function start(options: MeshOptions, log: Log, cleanups: Cleanups): Promise<RunningMesh> {
  const metrics = createMeshMetrics(version);
  metrics.observeProcess();
  const { clock = () => new Date() } = options;
  const state = { isSynced: false };
  /** Paths under which kinds of rules are watched; undefined for one that the API server does not have. */
  const served = new Map<string, string | undefined>();
  const freshness = createFreshness(clusterKinds, () => clock().getTime());
  let root: MeshRoot | undefined;
  let guards: GuardExchange | undefined;
  const checks = (): readonly HealthCheck[] => [
    ...describeCluster(state.isSynced, served, freshness.stale()),
    ...(root === undefined ? [] : [root.health()]),
  ];
  const digests = createDigests(watchedKinds, () => clock().getTime());
  const knowledge = (): Knowledge => digests.knowledge(new Set(freshness.stale().keys()));
  // What has not been listed yet is nothing to compare with.
  const showJson =
    (text: () => string, isKnown = () => state.isSynced) =>
    (): PlainPage => ({
      status: isKnown() ? 200 : 503,
      contentType: 'application/json',
      text: isKnown() ? text() : '',
    });
  const isSettled = (): boolean => root?.isSettled() === true;
  const pages: PlainPages = new Map([
    [knowledgePath, showJson(() => writeKnowledge(knowledge()))],
    ...[modesPath, guardsPath].map((path) => [path, showJson(() => guards?.pages.get(path)?.() ?? '')] as const),
    [identityPath, showJson(() => JSON.stringify(running().identityProgress()), isSettled)],
    ...(options.profiling === true ? profilePages() : []),
  ]);
  const plain = [
    [createHealthServer(checks), '--health-listen', options.healthListen],
    [createMetricsServer(metrics, pages), '--metrics-listen', options.metricsListen],
  ] as const;
  for (const [server, flag, address] of plain) {
    await listen(server, flag, address, log);
    cleanups.push(() => closePlain(server));
  }
  const client = await connect(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  cleanups.push(() => client.close());
  const { namespace } = options;
  const authority = await openOwnAuthority(client, { namespace, clock, log });
  const own = authority.pair;
  const ownEndMs = new X509Certificate(own.certificate).validToDate.getTime();
  metrics.authorityExpiry.set({ authority: 'control-plane' }, ownEndMs / 1_000);
  root = await openMeshRoot(client, { namespace, clock, policy: options.rootPolicy, log, metrics });
  const names = serviceNames(options.service, options.namespace, options.clusterDomain);
  const issuer = createLeafIssuer(own);
  const showExpiry = ({ notAfter }: Leaf): void => metrics.certificateExpiry.set(notAfter.getTime() / 1_000);
  const leaf = keepLeaf({
    issue: (now) => issuer.issue({ names: { dns: names.dns }, now, lifetimeMs: servingMs }),
    clock,
    random: Math.random,
    every,
    onRenewed(renewed) {
      showExpiry(renewed);
      running().useCertificate(renewed);
      rules?.useKeyPair(renewed);
      log.info({ expires: renewed.notAfter.toISOString() }, "the control plane's certificate was renewed");
    },
    onFailed: (error) => log.error({ detail: String(error) }, "the control plane's certificate was not renewed"),
  });
  cleanups.push(() => leaf.release());
  showExpiry(leaf.current());
  let controlPlane: RunningControlPlane | undefined;
  let counted: RuleStatus['counts'] = () => new Map();
  let rules: RuleAdmission | undefined;
  const authenticator = await createAuthenticator({
    client,
    audience: options.audience,
    world: () => running().catalog.world(),
    clock,
    onReviews: (reason) =>
      log.warn({ reason }, 'tokens are sent to the API server to be checked, because it publishes no keys'),
  });

  function running(): RunningControlPlane {
    if (controlPlane === undefined) throw new Error('the control plane does not run yet');
    return controlPlane;
  }

  const { host = '::', port } = options.listen;
  const { clusterDomain: cluster, trustDomain: trust, rootNamespace } = options;
  const domains = { cluster, trust, rootNamespace };
  controlPlane = await startControlPlane({
    host,
    port,
    domains,
    pair: leaf.current(),
    identity: root.identity(),
    authenticator,
    limits: { ...defaultStreamLimits, most: options.maxStreams },
    strangers: defaultStrangerLimits,
    // Before the cluster is known, nobody's pod is, and everybody would be sent an empty configuration.
    pausedBy() {
      if (!state.isSynced) return 'the control plane is starting';
      if (isMemoryFull()) return 'this replica has little memory left';
      const { behind } = peers.last();
      return behind.length > 0 ? `another replica has newer data: ${behind.join(', ')}` : undefined;
    },
    clock,
    timers: systemTimers,
    random: Math.random,
    peerReports: () => guards?.modes() ?? noPeers,
    ...meshReports(log, metrics),
  });
  cleanups.push(() => controlPlane?.stop());
  const replicas = () => ({
    addresses: peerAddresses(running().catalog.world(), `${namespace}/${options.service}`),
    port: options.metricsListen.port,
  });
  const peers = watchPeers(
    () => askPeers({ ...replicas(), own: knowledge }),
    (kinds) => log.error({ kinds }, 'replicas of the control plane have different data'),
  );
  cleanups.push(() => peers.stop());
  const exchange = exchangeGuards(running().catalog, { replicas, nowMs: () => clock().getTime(), every });
  guards = exchange;
  cleanups.push(() => exchange.stop());
  metrics.observe({
    streams: () => running().sessions.size,
    streamsInSync: () => [...running().sessions].filter((session) => session.isInSync()).length,
    heldBack: () => running().heldBack(),
    withheld: () => new Map(kinds.map((kind) => [kind, running().catalog.withheld(kind)])),
    watchAges: () => freshness.ages(),
    divergentKinds: () => peers.last().divergent.length,
    rules: () => [...counted().values()],
  });
  const feed = startWorldFeed({
    client,
    pace,
    onEvents: (events) => running().apply(events),
    onObjects: (kind, changes) => digests.note(kind, changes),
    onContact: (kind) => freshness.heard(kind),
    onServed(kind, path) {
      served.set(kind, path);
      // The API server has just said that there is something to hear.
      if (path === undefined) freshness.forget(kind);
      else freshness.heard(kind);
      log.info(
        { kind, path },
        path === undefined ? 'a kind of rules is not served any more' : 'a kind of rules is watched',
      );
    },
    onUnknown: (error) =>
      log.warn({ detail: String(error) }, 'the API server did not say which kinds of rules it serves'),
    nowMs: () => clock().getTime(),
    onState(kind, watch) {
      if (watch.type === 'synced') metrics.objects.set({ kind }, watch.objects);
      else {
        freshness.broken(kind);
        metrics.watchFailures.inc({ kind });
        log.warn({ kind, detail: watch.error.message, retryMs: Math.round(watch.retryMs) }, 'a watch failed');
      }
    },
  });
  cleanups.push(() => feed.stop());
  const isSynced = feed.synced.then(() => true);
  if (await Promise.race([isSynced, options.stopped.then(() => false)])) {
    state.isSynced = true;
    await authority.publish();
    rules = await startRuleAdmission({
      address: options.rulesListen,
      keyPair: leaf.current(),
      root: own.certificate,
      client,
      world: () => running().catalog.world(),
      domains,
      checks,
      log,
      metrics,
      every,
    });
    cleanups.push(() => rules?.stop());
    await rules.publish();
    const count = (problems: number): void => metrics.authorityProblems.set({ authority: 'control-plane' }, problems);
    cleanups.push(watchOwnAuthority(authority, log, count, every));
    const answers = () => askAnswers({ ...replicas(), own: running().identityProgress });
    cleanups.push(root.watch({ every, answers, use: (identity) => running().useIdentity(identity) }));
    const { catalog } = running();
    const pathOf = (kind: string): string | undefined => served.get(kind);
    const { doOthersHold } = exchange;
    const report = { client, catalog, doOthersHold, pathOf, replica: hostname(), clock, log, every };
    const status = startRuleStatus(report);
    counted = () => status.counts();
    cleanups.push(() => status.stop());
    log.info({ port: running().port }, 'serving proxies');
  }
  return {
    port: running().port,
    async stop() {
      await runCleanups(cleanups);
      log.info('stopped');
    },
  };
}

/** Starts the control plane, and resolves when it serves or is to stop. Throws a `StartError` after stopping whatever was already started. */
export async function serveMesh(options: MeshOptions, log: Log): Promise<RunningMesh> {
  return startOrCleanUp((cleanups) => start(options, log, cleanups));
}
