import { planAccess, type AccessPlan } from './access-plan.ts';
import type { Selectable } from '../rules/security/selector.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { PeerModes } from './peer-modes.ts';

/** What the proxy of a pod lets in. */
export interface InboundPlan {
  readonly modes: PeerModes;
  readonly access: AccessPlan;
}

/** Returns what the proxy of a pod lets in, in these modes. */
export function planInbound(rules: Rules, pod: Selectable, modes: PeerModes, rootNamespace: string): InboundPlan {
  return { modes, access: planAccess(rules, pod, rootNamespace) };
}
