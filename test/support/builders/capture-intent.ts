import type { CaptureIntent, PortRange } from '../../../src/capture/intent.ts';
import { captureComment, loopbackSource, ports, proxyUser, transparentProxy } from '../../../src/pod/conventions.ts';

/** One port as a range. */
export function port(number: number): PortRange {
  return { first: number, last: number };
}

type Changes = Partial<Omit<CaptureIntent, 'inbound' | 'outbound'>> & {
  readonly inbound?: Partial<CaptureIntent['inbound']>;
  readonly outbound?: Partial<CaptureIntent['outbound']>;
};

/** What a pod without annotations gets, with changes. */
export function captureIntent(changes: Changes = {}): CaptureIntent {
  return {
    mode: 'REDIRECT',
    tproxy: transparentProxy,
    loading: 'replace',
    comment: captureComment,
    families: ['v4', 'v6'],
    outboundPort: ports.outbound,
    inboundPort: ports.inbound,
    tunnelPort: ports.tunnel,
    loopbackSource,
    loopbackCidr: { v4: '127.0.0.1/32', v6: '::1/128' },
    proxyUids: [String(proxyUser.uid)],
    proxyGids: [String(proxyUser.gid)],
    excludeInterfaces: [],
    rerouteInterfaces: [],
    dns: undefined,
    dropInvalid: false,
    ...changes,
    inbound: {
      ports: 'all',
      excludePorts: [ports.metrics, ports.health, ports.status].map(port),
      ...changes.inbound,
    },
    outbound: {
      cidrs: 'all',
      excludeCidrs: [],
      ports: [],
      excludePorts: [],
      excludeUsers: [],
      ownerGroups: 'all',
      excludeOwnerGroups: [],
      ...changes.outbound,
    },
  };
}
