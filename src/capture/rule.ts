import { onePort } from '../grammar/port-range.ts';
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

/** What a rule decides, for people. Rules that say the same are one row of the explanation. */
export interface Words {
  /** The connections that the row is about. */
  readonly what: string;
  /** Ports, addresses, interfaces or owners, as the rules name them; `any` for all. */
  readonly match: string;
  readonly why: string;
}

/** One rule, as data; iptables, nftables and the explanation are three ways to write it down. */
export interface Rule {
  readonly table: TableName;
  readonly chain: string;
  /** Only for this family; without it for both. */
  readonly family?: Family | undefined;
  /** Position at which the rule is inserted, from 1, in the chain as it is then; undefined appends it. */
  readonly position?: number;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** Of this rule and of the chain that it leads to. Rules without words decide about no new connection. */
  readonly words?: Words | undefined;
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
  return to(onePort(port));
}

/** Matches every port but this one. */
export function notToPort(port: number): Match {
  return { by: 'destination port', range: onePort(port), not: true };
}

export function says(what: string, match: string, why: string): Words {
  return { what, match, why };
}

export function jump(chain: string): Target {
  return { to: 'jump', chain };
}

interface Owner {
  readonly by: 'uid' | 'gid';
  readonly id: string;
}

/** The proxy's own traffic, by user and by group. */
export function proxyOwners({ proxyUids, proxyGids }: CaptureIntent): Owner[] {
  return [...proxyUids.map((id): Owner => ({ by: 'uid', id })), ...proxyGids.map((id): Owner => ({ by: 'gid', id }))];
}

/** Returns a function that creates rules for one table, for one family or for both. */
export function inTable(table: TableName, family?: Family) {
  return (
    chain: string,
    matches: readonly Match[],
    target: Target,
    more: Pick<Rule, 'family' | 'position' | 'words'> = {},
  ): Rule => ({
    table,
    chain,
    matches,
    target,
    family,
    ...more,
  });
}
