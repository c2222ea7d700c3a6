import type { Connection } from './connection.ts';
import type { CaptureIntent, Family } from './intent.ts';
import { cidrsOf } from './rule-text.ts';
import { wayOf } from './words.ts';

/** Documentation addresses (RFC 5737, RFC 3849), which no machine has: if capture fails, no one gets the connection. */
const nowhere = { v4: '192.0.2.1', v6: '2001:db8::1' } as const;
const anyPort = 15_002;

/**
 * A destination to test the rules with: they send root's connections to it to the proxy's outbound listener. Undefined
 * if there is none, or if that depends on the interface through which the pod reaches the address.
 */
export function probeOf(
  intent: CaptureIntent,
  family: Family,
): { readonly address: string; readonly port: number } | undefined {
  if (intent.excludeInterfaces.length > 0) return undefined;
  const { cidrs, ports } = intent.outbound;
  const listed = cidrs === 'all' ? [] : cidrsOf(cidrs, family).map((cidr) => cidr.split('/')[0] ?? '');
  const candidates = [
    { address: nowhere[family], port: anyPort },
    ...ports.map(({ first }) => ({ address: nowhere[family], port: first })),
    ...listed.map((address) => ({ address, port: anyPort })),
  ];
  // The unspecified address means the machine itself, and loopback addresses never leave it.
  const outside = candidates.filter(({ address }) => !/^(?:0\.|127\.|[0:]*[01]?$)/.test(address));
  return outside.find(({ address, port }) => {
    const connection: Connection = {
      direction: 'outbound',
      family,
      through: 'eth0',
      protocol: 'tcp',
      source: nowhere[family],
      destination: address,
      port,
      uid: '0',
      gid: '0',
    };
    return wayOf(intent, connection) === 'outbound listener';
  });
}
