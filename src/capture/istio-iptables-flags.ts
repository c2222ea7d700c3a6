import { rangeText, type PortRange } from '../grammar/port-range.ts';
import type { CaptureIntent } from './intent.ts';

function portText(ports: 'all' | readonly PortRange[]): string {
  if (ports === 'all') return '*';
  return rangeText(ports);
}

/** Addresses as Istio writes them: `*` for all. */
export function cidrText(cidrs: 'all' | readonly string[]): string {
  return cidrs === 'all' ? '*' : cidrs.join(',');
}

function optional(flag: string, value: string): string[] {
  return value === '' ? [] : [flag, value];
}

/**
 * Renders the intent as arguments of `istio-iptables`, in Istio's order. Families, tunnel port and loopback sources
 * have no flag: the program detects the families, and uses constants for the others.
 */
export function renderIstioIptablesFlags(capture: CaptureIntent): string[] {
  const uids = capture.proxyUids.join(',');
  const gids = capture.proxyGids.join(',');
  return [
    '-p',
    String(capture.outboundPort),
    '-z',
    String(capture.inboundPort),
    '-u',
    uids,
    // Without this flag the group id equals the user id.
    ...(gids === uids ? [] : ['-g', gids]),
    '-m',
    capture.mode,
    '-i',
    cidrText(capture.outbound.cidrs),
    '-x',
    cidrText(capture.outbound.excludeCidrs),
    '-b',
    portText(capture.inbound.ports),
    '-d',
    portText(capture.inbound.excludePorts),
    ...optional('-q', portText(capture.outbound.ports)),
    ...optional('-o', portText(capture.outbound.excludePorts)),
    ...optional('-k', capture.rerouteInterfaces.join(',')),
    ...optional('-c', capture.excludeInterfaces.join(',')),
  ];
}
