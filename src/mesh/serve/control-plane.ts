import type { Authenticator, Caller } from '../identity/caller.ts';
import type { WorkloadIdentity } from '../identity/workload-identity.ts';
import type { Domains } from '../plan/service-plan.ts';
import { createRequestReader, createResponseWriter } from '../wire/discovery.ts';
import { createEncoder, type RefusedResource } from '../wire/encoder.ts';
import { loadEnvoyTypes } from '../wire/envoy-types.ts';
import type { WorldEvent } from '../world/world.ts';
import { ageOf, createPlaces, createPodTurns, createTurns, type StreamLimits } from './admission.ts';
import { startAdsServer, type AdsConnection, type AdsServer, type ServingPair } from './ads-server.ts';
import { createCatalog, type Catalog } from './catalog.ts';
import type { StrangerLimits } from './connection-gate.ts';
import { createHeldRemovals } from './held-removals.ts';
import type { PeerReports } from './mode-reports.ts';
import type { Stepped } from './mode-changes.ts';
import { createSession, type Session, type SessionEvent } from './session.ts';
import type { Timers } from './timers.ts';
import { createWorkloadCertificates, type IdentityProgress } from './workload-certificates.ts';

export interface ControlPlaneOptions {
  readonly host: string;
  /** Port to listen on; 0 picks one. */
  readonly port: number;
  readonly domains: Domains;
  /** Certificate and key of the control plane itself, PEM. */
  readonly pair: ServingPair;
  /** What workloads show each other and are verified with. */
  readonly identity: WorkloadIdentity;
  readonly authenticator: Authenticator;
  readonly limits: StreamLimits;
  readonly strangers: StrangerLimits;
  readonly clock: () => Date;
  readonly timers: Timers;
  /** A number from 0 to below 1, to spread what many proxies would do at the same time. */
  readonly random: () => number;
  /** Returns why no new streams are taken now; undefined if they are. */
  readonly pausedBy: () => string | undefined;
  readonly report: (event: SessionEvent, caller: Caller) => void;
  readonly refused: (resource: RefusedResource, owner: string) => void;
  /** Called when a Service asks for what its clients do not get. */
  readonly noticed: (service: string, notices: readonly string[]) => void;
  /** Returns what other replicas last said of the pods that change to other modes of mutual TLS. */
  readonly peerReports: () => PeerReports;
  /** Called for each step of a pod to other modes of mutual TLS. */
  readonly stepped: Stepped;
  /** Takes how long a change of the cluster took until the last proxy that gets it has answered. */
  readonly converged: (milliseconds: number) => void;
  readonly turnedAway: (peerAddress: string, reason: string) => void;
  /** A stream is not taken by this replica, though it may be by another. */
  readonly declined: (peerAddress: string, reason: string) => void;
  readonly connectionCut: () => void;
  readonly connectionFailed: (error: Error) => void;
  /** A proxy could not get a new certificate, and keeps its own. */
  readonly certificateFailed: (error: unknown) => void;
  /** Most endpoints of these Services are gone at once. */
  readonly lost: (services: readonly string[]) => void;
  /** A loss is over: so many removals take effect now, which is none if everything has come back. */
  readonly settled: (removals: number) => void;
}

/** A running control plane. */
export interface RunningControlPlane {
  readonly port: number;
  readonly catalog: Catalog;
  /** Takes what the API server says. After a sudden loss, removals are held back for a while. */
  apply(events: readonly WorldEvent[]): void;
  /** Objects whose removal is held back. */
  readonly heldBack: () => number;
  /** Presents another certificate to proxies that connect from now on. */
  useCertificate(pair: ServingPair): void;
  /** Gives proxies what another state of the mesh's authority has for them. */
  useIdentity(identity: WorkloadIdentity): void;
  /** Returns how many proxies hold what the identity in use has for them. */
  readonly identityProgress: () => IdentityProgress;
  /** Gives every connected proxy a new certificate now. */
  renewAll(): void;
  /** Streams that are open, oldest first. */
  readonly sessions: ReadonlySet<Session>;
  stop(): Promise<void>;
}

/** How often it is looked for what nobody needs any more, and for what does not pass by itself. */
const sweepMs = 10_000;

/** How often it is looked whether a proxy that starts has its configuration. */
const lookMs = 50;

const tooMany = 'too many proxies connect at once';

/** Starts the control plane. Rejects if it cannot listen. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<RunningControlPlane> {
  const { nowMs, after } = options.timers;
  const types = loadEnvoyTypes();
  const read = createRequestReader(types);
  const write = createResponseWriter();
  const catalog = createCatalog({
    encoder: createEncoder(types),
    domains: options.domains,
    nowMs: () => options.clock().getTime(),
    after,
    refused: options.refused,
    noticed: options.noticed,
    stepped: options.stepped,
    peerReports: options.peerReports,
    converged: options.converged,
  });
  const sweeping = setInterval(() => catalog.sweep(), sweepMs).unref();
  const certificates = createWorkloadCertificates({
    identity: options.identity,
    trustDomain: options.domains.trust,
    world: catalog.world,
    nowMs,
    after,
    random: options.random,
    failed: options.certificateFailed,
  });
  const { limits } = options;
  const turns = createTurns(limits);
  const hasTurn = createPodTurns(limits);
  const places = createPlaces(limits.starting, limits.patienceMs, after);
  let waiting = 0;
  const sessions = new Set<Session>();
  /** What ends the stream of a session. */
  const enders = new Map<Session, () => void>();

  async function accept(connection: AdsConnection): Promise<void> {
    let isOver = false;
    const cleanups = [(): void => void (isOver = true)];
    connection.onEnd(() => {
      for (const cleanup of cleanups) cleanup();
    });
    const decline = (reason: string): void => {
      options.declined(connection.peerAddress, reason);
      connection.end('unavailable', reason);
    };
    const paused = options.pausedBy();
    if (paused !== undefined) {
      decline(paused);
      return;
    }
    // Nothing is read before the caller is known: until then, HTTP/2's flow control bounds what waits here.
    const caller = await options.authenticator.authenticate(connection.token, connection.peerAddress);
    if (isOver) return;
    if ('refused' in caller) {
      options.turnedAway(connection.peerAddress, caller.refused);
      connection.end('unauthenticated', caller.refused);
      return;
    }
    connection.welcome();
    const place = await untilTurn(caller, () => isOver);
    if (isOver) return;
    if (typeof place === 'string') {
      decline(place);
      return;
    }
    const session = open(connection, caller);
    const silence = after(limits.firstMessageMs, () => connection.end('invalid', 'no request came in time'));
    const aging = after(ageOf(limits, options.random()), () =>
      connection.end('aged', 'the stream has reached its age'),
    );
    cleanups.push(silence, aging, keepPlace(session, place), () => {
      session.close();
      certificates.release(session);
      sessions.delete(session);
      enders.delete(session);
    });
    connection.onMessage((bytes) => {
      silence();
      try {
        session.receive(read(bytes));
      } catch (error) {
        connection.end('invalid', `not a discovery request: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }

  /** Waits for the turn of a stream. Returns a function that gives its place to another proxy, or why it is not taken. */
  async function untilTurn({ namespace, podUid }: Caller, isOver: () => boolean): Promise<(() => void) | string> {
    if (!hasTurn(podUid, nowMs())) return 'the pod opens too many streams';
    if (sessions.size + waiting >= limits.most) return `this replica has ${limits.most} streams, which is its limit`;
    const waitMs = turns.take(nowMs());
    if (waitMs === undefined) return tooMany;
    waiting += 1;
    try {
      if (waitMs > 0) await new Promise<void>((resolve) => after(waitMs, resolve));
      const leave = await places.take(namespace);
      if (isOver()) leave?.();
      return leave ?? tooMany;
    } finally {
      waiting -= 1;
    }
  }

  /** Gives back the place of a proxy once it has its configuration, or after a while. Returns a function that does it at once. */
  function keepPlace(session: Session, leave: () => void): () => void {
    let calm = 0;
    const look = (): void => {
      // Between two kinds of resources, a proxy has all that it has asked for yet.
      calm = session.isInSync() ? calm + 1 : 0;
      if (calm < 2) stopLooking = after(lookMs, look);
      else end();
    };
    let stopLooking = after(lookMs, look);
    const cancel = after(limits.startingMs, () => end());
    const end = (): void => {
      stopLooking();
      cancel();
      leave();
    };
    return end;
  }

  function open(connection: AdsConnection, caller: Caller): Session {
    const report = (event: SessionEvent): void => options.report(event, caller);
    const session = certificates.keep(caller, (secrets) =>
      createSession({ connection, caller, catalog, secrets, report, write, after }),
    );
    sessions.add(session);
    enders.set(session, () => connection.end('unavailable', 'the pod has newer streams'));
    const ofPod = [...sessions].filter((one) => one.caller.podUid === caller.podUid);
    for (const one of ofPod.slice(0, -limits.mostOfPod)) enders.get(one)?.();
    return session;
  }

  const removals = createHeldRemovals({
    world: catalog.world,
    give: (events) => catalog.apply(events),
    nowMs,
    after,
    lost: options.lost,
    settled: options.settled,
  });

  const server: AdsServer = await startAdsServer({
    host: options.host,
    port: options.port,
    pair: options.pair,
    strangers: options.strangers,
    after,
    accept: (connection) => {
      accept(connection).catch((error: unknown) => {
        // What went wrong is told to the log, and not to somebody unknown.
        options.declined(connection.peerAddress, error instanceof Error ? error.message : String(error));
        connection.end('unavailable', 'the control plane cannot take this stream now');
      });
    },
    onCut: options.connectionCut,
    onError: options.connectionFailed,
  });
  return {
    port: server.port,
    catalog,
    sessions,
    apply: (events) => removals.take(events),
    heldBack: () => removals.count(),
    useCertificate: (pair) => server.useCertificate(pair),
    useIdentity: (identity) => certificates.use(identity),
    identityProgress: () => certificates.progress(),
    renewAll: () => certificates.renewAll(),
    stop() {
      clearInterval(sweeping);
      removals.stop();
      certificates.stop();
      return server.stop();
    },
  };
}
