import { closedAccess, type AccessPlan } from './access-plan.ts';
import type { LimitPlan } from './limit-plan.ts';
import { modesFrom, type PeerModes } from './peer-modes.ts';

/** What the proxy of a pod lets in. */
export interface InboundPlan {
  readonly modes: PeerModes;
  readonly access: AccessPlan;
  readonly limits: readonly LimitPlan[];
}

/** Lets nobody in: what counts where Envoy does not take what was meant. */
export const closedInbound: InboundPlan = { modes: modesFrom('STRICT', []), access: closedAccess, limits: [] };
