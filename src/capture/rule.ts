import type { CaptureIntent, Family, PortRange } from './intent.ts';

export type TableName = 'mangle' | 'nat' | 'raw';

/** One condition of a rule; all conditions of a rule must hold. `not` negates it. */
export type Match =
  | { readonly by: 'in' | 'out'; readonly name: string }
  | { readonly by: 'source' | 'destination'; readonly cidr: string; readonly not?: boolean }
  | { readonly by: 'protocol'; readonly name: 'tcp' | 'udp' }
  | { readonly by: 'destination port' | 'source port'; readonly range: PortRange; readonly not?: boolean }
  /** Any port but these. */
  | { readonly by: 'other destination port'; readonly ports: readonly number[] }
  | { readonly by: 'uid' | 'gid'; readonly id: string; readonly not?: boolean }
  | { readonly by: 'mark' | 'connection mark'; readonly mark: number; readonly not?: boolean }
  | { readonly by: 'state'; readonly states: readonly ('INVALID' | 'RELATED' | 'ESTABLISHED')[] };

/** What happens to a packet that matches. After marks and zones the next rule follows; all other targets are final. */
export type Target =
  | { readonly to: 'return' | 'accept' | 'drop' | 'save mark' | 'restore mark' }
  | { readonly to: 'jump'; readonly chain: string }
  | { readonly to: 'redirect'; readonly port: number }
  | { readonly to: 'tproxy'; readonly port: number; readonly mark: number }
  | { readonly to: 'mark'; readonly mark: number }
  | { readonly to: 'zone'; readonly zone: number };

/** One rule as data, which can be rendered for iptables and nftables. */
export interface Rule {
  readonly table: TableName;
  readonly chain: string;
  /** The family that the rule applies to; undefined for both. */
  readonly family?: Family;
  /** Position at which the rule is inserted, from 1, in the chain as it is then; undefined appends it. */
  readonly position?: number;
  readonly matches: readonly Match[];
  readonly target: Target;
}

/** Names of the chains. They are Istio's, so that people who know Istio's rules can read these. */
export const chains = {
  inbound: 'ISTIO_INBOUND',
  redirect: 'ISTIO_REDIRECT',
  inboundRedirect: 'ISTIO_IN_REDIRECT',
  output: 'ISTIO_OUTPUT',
  outputDns: 'ISTIO_OUTPUT_DNS',
  divert: 'ISTIO_DIVERT',
  tproxy: 'ISTIO_TPROXY',
  drop: 'ISTIO_DROP',
} as const;

export const tcp: Match = { by: 'protocol', name: 'tcp' };
export const udp: Match = { by: 'protocol', name: 'udp' };
export const loopback: Match = { by: 'out', name: 'lo' };
export const pass: Target = { to: 'return' };

export function to(range: PortRange): Match {
  return { by: 'destination port', range };
}

export function toPort(port: number): Match {
  return to({ first: port, last: port });
}

/** Matches every port but this one. */
export function notToPort(port: number): Match {
  return { by: 'destination port', range: { first: port, last: port }, not: true };
}

export function jump(chain: string): Target {
  return { to: 'jump', chain };
}

/** Conditions for the proxy's own traffic, by user and by group. */
export function proxyOwners({ proxyUids, proxyGids }: CaptureIntent): Match[] {
  return [...proxyUids.map((id): Match => ({ by: 'uid', id })), ...proxyGids.map((id): Match => ({ by: 'gid', id }))];
}

/** Returns a function that creates rules for one table, for one family or for both. */
export function inTable(table: TableName, family?: Family) {
  return (
    chain: string,
    matches: readonly Match[],
    target: Target,
    more: Pick<Rule, 'family' | 'position'> = {},
  ): Rule => ({
    table,
    chain,
    matches,
    target,
    ...(family === undefined ? {} : { family }),
    ...more,
  });
}
