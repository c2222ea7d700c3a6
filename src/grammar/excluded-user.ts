import type { PortRange } from './port-range.ts';

/** A user whose outbound traffic is not captured: all of it, or only traffic to some ports. */
export interface ExcludedUser {
  /** Numeric user id, as written in a rule. */
  readonly uid: string;
  readonly ports: 'all' | readonly PortRange[];
}
