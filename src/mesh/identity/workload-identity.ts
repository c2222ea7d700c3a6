import { createHash } from 'node:crypto';
import { dayMs } from '../../certs/durations.ts';
import { createLeafIssuer, type Names } from '../../certs/elliptic-certificate.ts';
import type { Leaf } from '../../certs/kept-leaf.ts';
import { trustedRoots, type RootState } from './root-rotation.ts';

/** The earlier and the later of this clock and the API server's, in milliseconds since the Unix epoch. */
export interface Times {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** What workloads show each other and are verified with, in one state of the mesh's authority. */
export interface WorkloadIdentity {
  /** The same for all replicas that give out the same. */
  readonly id: string;
  /** The same for all identities whose certificates one authority signs in the same way. */
  readonly signer: string;
  /** Roots by which workloads know each other, PEM. */
  readonly roots: string;
  /** Issues a certificate with a new key and its chain. Throws if the authority has expired. */
  issue(names: Names): Leaf;
  /** The time by which certificates are issued and renewed. */
  now(): Date;
}

/** Life of a certificate of a workload, and by how much two clocks may differ without one that ends too early. */
const lifetimeMs = dayMs;
const toleratedMs = dayMs;

function digestOf(...texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
}

/** Creates the identity of a state. Certificates are valid by both clocks, and never outlive what verifies them. */
export function createWorkloadIdentity(state: RootState, times: () => Times): WorkloadIdentity {
  const { current } = state;
  const issuer = createLeafIssuer(current);
  const trusted = trustedRoots(state);
  const signer = digestOf(current.certificate, ...current.chain);
  return {
    id: digestOf(signer, ...trusted.toSorted()),
    signer,
    roots: trusted.join(''),
    issue(names) {
      const { earliestMs, latestMs } = times();
      const wanted = lifetimeMs + Math.min(latestMs - earliestMs, toleratedMs);
      const life = Math.min(wanted, current.notAfterMs - earliestMs);
      const leaf = issuer.issue({ names, now: new Date(earliestMs), lifetimeMs: life });
      return { ...leaf, certificate: [leaf.certificate, ...current.chain].join('') };
    },
    now: () => new Date(times().earliestMs),
  };
}
