import type { Family } from './intent.ts';

/** A connection's (or datagram's) first packet, as the rules see it. */
export interface Connection {
  readonly direction: 'inbound' | 'outbound';
  readonly family: Family;
  /** Interface by which it comes or goes; `lo` for what stays in the pod. */
  readonly through: string;
  readonly protocol: 'tcp' | 'udp';
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** User and group of the process that opened it; only outbound. */
  readonly uid: string;
  readonly gid: string;
}

/** Where a connection ends up: at one of the proxy's three doors, or past it. */
export type Way = 'outbound listener' | 'inbound listener' | 'DNS server' | 'direct';
