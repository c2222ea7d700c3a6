import type { KeyedCertificate } from '../../../src/certs/authority.ts';
import { rootAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import type { RootState } from '../../../src/mesh/identity/root-rotation.ts';
import { createWorkloadIdentity, type WorkloadIdentity } from '../../../src/mesh/identity/workload-identity.ts';

/** The state in which a root alone signs and is trusted. */
export function stableState(root: KeyedCertificate): RootState {
  const since = new Date(0);
  return {
    current: rootAuthority(root),
    previous: [],
    phase: 'stable',
    generation: 1,
    since,
    request: '',
    isUrgent: false,
  };
}

/** What workloads get in that state. */
export function identityOf(root: KeyedCertificate): WorkloadIdentity {
  return createWorkloadIdentity(stableState(root), () => ({ earliestMs: Date.now(), latestMs: Date.now() }));
}
