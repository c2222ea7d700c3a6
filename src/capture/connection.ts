import type { Family } from './intent.ts';

/** The first packet of a connection, or a datagram, as the rules see it. */
export interface Connection {
  readonly direction: 'inbound' | 'outbound';
  readonly family: Family;
  /** Interface on which it arrives or leaves; `lo` for traffic inside the pod. */
  readonly through: string;
  readonly protocol: 'tcp' | 'udp';
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** User and group of the process that opened it; used only for outbound connections. */
  readonly uid: string;
  readonly gid: string;
}

/** Where a connection ends up: at one of the proxy's listeners, or directly at its destination. */
export type Way = 'outbound listener' | 'inbound listener' | 'DNS server' | 'direct';
