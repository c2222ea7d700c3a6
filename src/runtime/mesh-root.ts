import { hostname } from 'node:os';
import { createEllipticAuthority } from '../certs/elliptic-certificate.ts';
import { createCaStore } from '../kubernetes/ca-store.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { rootAuthority } from '../mesh/identity/mesh-authority.ts';
import { openRoot, type RootKeeper } from '../mesh/identity/root-keeper.ts';
import { defaultRootPolicy, type Answers, type RootPolicy, type RootState } from '../mesh/identity/root-rotation.ts';
import { createWorkloadIdentity, type WorkloadIdentity } from '../mesh/identity/workload-identity.ts';
import type { HealthCheck } from '../server/health.ts';
import type { Log } from '../telemetry/log.ts';
import type { MeshMetrics } from '../telemetry/mesh-metrics.ts';
import { createExpiryNotice } from './expiry-notice.ts';

/** The Secret of the state, which the manifest has, and the one in which somebody may give an authority: Istio's name for it. */
const secrets = { state: 'sidecar-injector-mesh-root', given: 'cacerts' } as const;

/** The authority of workloads, which all replicas share. */
export interface MeshRoot {
  /** What proxies get now. */
  readonly identity: () => WorkloadIdentity;
  readonly health: () => HealthCheck;
  /** Whether this replica has been watching for so long that its proxies have come. */
  readonly isSettled: () => boolean;
  /** Begins to follow the Secrets. Returns a function that ends it. */
  watch(options: {
    readonly every: (milliseconds: number, action: () => void) => () => void;
    /** Returns what proxies have answered to the identity that is in use. */
    readonly answers: () => Promise<Answers>;
    readonly use: (identity: WorkloadIdentity) => void;
  }): () => void;
}

/** Opens it. Rejects with a sentence for people. */
export async function openMeshRoot(
  client: ApiClient,
  options: {
    readonly namespace: string;
    readonly clock: () => Date;
    readonly policy: RootPolicy | undefined;
    readonly log: Log;
    readonly metrics: Pick<MeshMetrics, 'authorityExpiry' | 'authorityProblems' | 'rootPhase'>;
  },
): Promise<MeshRoot> {
  const { namespace, clock, policy = defaultRootPolicy, log, metrics } = options;
  let answers: (() => Promise<Answers>) | undefined;
  let settledMs = Infinity;
  const isSettled = (): boolean => performance.now() >= settledMs;
  let use: ((identity: WorkloadIdentity) => void) | undefined;
  let identity: WorkloadIdentity | undefined;
  let told = '';

  function onState(state: RootState, reason: string): void {
    const { phase, generation, current } = state;
    const ends = new Date(current.notAfterMs);
    log.info({ phase, generation, expires: ends.toISOString(), reason }, 'the authority of workloads');
    metrics.authorityExpiry.set({ authority: 'mesh' }, ends.getTime() / 1_000);
    for (const one of ['stable', 'trust', 'sign'] as const)
      metrics.rootPhase.set({ phase: one }, one === phase ? 1 : 0);
    identity = createWorkloadIdentity(state, () => keeper.times());
    use?.(identity);
  }

  const keeper: RootKeeper = await openRoot({
    store: createCaStore(client, { namespace, name: secrets.state }),
    secret: secrets.state,
    given: createCaStore(client, { namespace, name: secrets.given }),
    givenSecret: secrets.given,
    clock,
    steadyMs: () => performance.now(),
    policy,
    create(now) {
      const { lifetimeMs } = policy;
      return rootAuthority(createEllipticAuthority({ name: 'sidecar-injector-mesh', now, lifetimeMs }));
    },
    answers: async () => (isSettled() ? answers?.() : undefined),
    onState,
  });
  const notice = createExpiryNotice(client, { namespace, replica: hostname(), log });

  async function look(): Promise<void> {
    await keeper.look();
    const problems = keeper.problems();
    metrics.authorityProblems.set({ authority: 'mesh' }, problems.length);
    const text = problems.join('; ');
    if (text !== told && text !== '') log.error({ problems }, 'the authority of workloads is not as it should be');
    told = text;
    await notice.look(secrets.state, new Date(keeper.state().current.notAfterMs), new Date(keeper.times().earliestMs));
  }

  // What has expired while nobody was there is replaced before the first proxy comes.
  onState(keeper.state(), 'it is what the Secret holds');
  await look();

  return {
    identity() {
      if (identity === undefined) throw new Error('the authority of workloads is not open yet');
      return identity;
    },
    health() {
      const { phase, since, current } = keeper.state();
      const ends = `the authority of workloads ends on ${new Date(current.notAfterMs).toISOString()}`;
      const rotation = phase === 'stable' ? '' : `; phase '${phase}' since ${since.toISOString()}`;
      const problems = keeper.problems().map((problem) => `; ${problem}`);
      // A replica that goes on with what it has is better than none.
      return { name: 'authority', ready: true, reason: `${ends}${rotation}; ${keeper.outlook()}${problems.join('')}` };
    },
    isSettled,
    watch(more) {
      settledMs = performance.now() + policy.arrivalMs;
      answers = more.answers;
      use = more.use;
      return more.every(policy.roundMs, () => void look());
    },
  };
}
