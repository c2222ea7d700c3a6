import { createLeafIssuer, type LeafIssuer } from '../../certs/elliptic-certificate.ts';
import { peerText } from '../../envoy/flows.ts';
import type { Authenticator, Caller } from '../identity/caller.ts';
import { workloadSecrets } from '../identity/workload-secrets.ts';
import { spiffeId } from '../plan/identity.ts';
import type { Domains } from '../plan/service-plan.ts';
import type { Resource } from '../resources/resource.ts';
import { createRequestReader } from '../wire/discovery.ts';
import { createEncoder, type RefusedResource } from '../wire/encoder.ts';
import { loadEnvoyTypes } from '../wire/envoy-types.ts';
import type { World, WorldEvent } from '../world/world.ts';
import { startAdsServer, type AdsConnection, type AdsServer } from './ads-server.ts';
import { createCatalog, type Catalog } from './catalog.ts';
import { createSession, type Session, type SessionEvent } from './session.ts';

export interface ControlPlaneOptions {
  /** Host and port to listen on. */
  readonly address: string;
  readonly domains: Domains;
  /** Certificate and key of the control plane itself, PEM. */
  readonly pair: { readonly certificate: string; readonly privateKey: string };
  /** The authority of the mesh: it signs the certificates of workloads. */
  readonly authority: { readonly certificate: string; readonly privateKey: string };
  /** Roots by which workloads know each other, PEM. */
  readonly roots: string;
  readonly authenticator: Authenticator;
  readonly clock: () => Date;
  /** A number from 0 to below 1, to spread what many proxies would do at the same time. */
  readonly random: () => number;
  readonly report: (event: SessionEvent, caller: Caller) => void;
  readonly refused: (resource: RefusedResource, owner: string) => void;
  /** Called when a Service asks for what its clients do not get. */
  readonly noticed: (service: string, notices: readonly string[]) => void;
  readonly turnedAway: (peerAddress: string, reason: string) => void;
}

/** A running control plane. */
export interface RunningControlPlane {
  readonly port: number;
  readonly catalog: Catalog;
  apply(events: readonly WorldEvent[]): void;
  /** Gives every connected proxy a new certificate now. */
  renewAll(): void;
  /** Streams that are open. */
  readonly sessions: ReadonlySet<Session>;
  stop(): Promise<void>;
}

/** How often identities are looked through that no endpoint has any more. */
const forgetMs = 10_000;

const leafLifetimeMs = 24 * 60 * 60 * 1000;

/** Returns new secrets. The certificate also says what metrics of a peer say of the pod, as far as it is known. */
function secretsOf(
  issuer: LeafIssuer,
  { namespace, serviceAccount, podName, podUid }: Caller,
  world: World,
  options: ControlPlaneOptions,
): readonly Resource[] {
  const uris = [spiffeId(options.domains.trust, namespace, serviceAccount)];
  const pod = world.pod.get(`${namespace}/${podName}`);
  const names = pod?.uid === podUid ? { uris, note: peerText(pod) } : { uris };
  const leaf = issuer.issue({ names, now: options.clock(), lifetimeMs: leafLifetimeMs });
  return workloadSecrets(leaf, options.roots);
}

function after(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
}

/** Starts the control plane. Rejects if it cannot listen. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<RunningControlPlane> {
  const types = loadEnvoyTypes();
  const read = createRequestReader(types);
  const catalog = createCatalog(
    createEncoder(types),
    options.domains,
    () => options.clock().getTime(),
    options.refused,
    options.noticed,
  );
  const forgetting = setInterval(() => catalog.forgetIdentities(), forgetMs).unref();
  const issuer = createLeafIssuer(options.authority);
  const sessions = new Set<Session>();

  /** Gives a proxy a new certificate at about half of the life of the last. Returns a function that ends it. */
  function keepRenewing(session: Session): () => void {
    const renew = (): void => {
      session.useSecrets(secretsOf(issuer, session.caller, catalog.world(), options));
      cancel = after(delayMs(), renew);
    };
    const delayMs = (): number => leafLifetimeMs * (0.4 + 0.2 * options.random());
    let cancel = after(delayMs(), renew);
    return () => cancel();
  }

  async function accept(connection: AdsConnection): Promise<void> {
    const waiting: Uint8Array[] = [];
    let session: Session | undefined;
    let isOver = false;
    connection.onMessage((bytes) => {
      if (session === undefined) waiting.push(bytes);
      else receive(session, bytes);
    });
    let cancelRenewal = (): void => undefined;
    connection.onEnd(() => {
      isOver = true;
      cancelRenewal();
      session?.close();
      if (session !== undefined) sessions.delete(session);
    });
    const caller = await options.authenticator.authenticate(connection.token, connection.peerAddress);
    if (isOver) return;
    if ('refused' in caller) {
      options.turnedAway(connection.peerAddress, caller.refused);
      connection.end('unauthenticated', caller.refused);
      return;
    }
    session = createSession({
      connection,
      caller,
      catalog,
      secrets: secretsOf(issuer, caller, catalog.world(), options),
      report: (event) => options.report(event, caller),
      after,
    });
    sessions.add(session);
    cancelRenewal = keepRenewing(session);
    for (const bytes of waiting) receive(session, bytes);

    function receive(to: Session, bytes: Uint8Array): void {
      try {
        to.receive(read(bytes));
      } catch (error) {
        connection.end('invalid', `not a discovery request: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  const server: AdsServer = await startAdsServer({
    address: options.address,
    pair: options.pair,
    accept: (connection) => {
      accept(connection).catch((error: unknown) => {
        connection.end('unavailable', error instanceof Error ? error.message : String(error));
      });
    },
  });
  return {
    port: server.port,
    catalog,
    sessions,
    apply: (events) => catalog.apply(events),
    renewAll() {
      for (const session of sessions) session.useSecrets(secretsOf(issuer, session.caller, catalog.world(), options));
    },
    stop() {
      clearInterval(forgetting);
      return server.stop();
    },
  };
}
