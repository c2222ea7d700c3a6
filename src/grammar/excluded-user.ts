import type { PortRange } from './port-range.ts';

/** A user whose outbound traffic passes by the proxy: all of it, or what goes to these ports. */
export interface ExcludedUser {
  /** Numeric user id, as it is written in a rule. */
  readonly uid: string;
  readonly ports: 'all' | readonly PortRange[];
}
