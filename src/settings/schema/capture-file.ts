import * as z from 'zod';
import { loopbackSource, ports, proxyUser, transparentProxy } from '../../pod/conventions.ts';
import {
  cidrList,
  cidrListOrAll,
  groupList,
  groupListOrAll,
  interfaceList,
  isCidr,
  portList,
  portListOrAll,
  userList,
  type Grammar,
} from '../../grammar/grammar.ts';
import { parsed } from './values.ts';

function items(input: string | number): string[] {
  return String(input)
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A string in one of the annotation grammars, parsed. Empty list items are ignored, as in Istio. */
function text<T>(grammar: Grammar<T>, fallback: string) {
  return z
    .union([z.string(), z.number()])
    .default(fallback)
    .transform((input) => items(input).join(','))
    .pipe(parsed(grammar));
}

function wholeNumber(least: number, most: number, fallback: number) {
  const wrong = `allowed: an integer from ${least} to ${most}`;
  return z
    .union([z.string().regex(/^\d{1,10}$/, wrong), z.number().int(wrong)])
    .default(fallback)
    .transform(Number)
    .refine((value) => value >= least && value <= most, wrong);
}

const ids = z
  .union([z.string(), z.number()])
  .transform(items)
  .refine((list) => list.every((item) => /^\d{1,10}$/.test(item)), 'allowed: a comma list of numeric ids');

function servers(family: 'v4' | 'v6') {
  const prefix = family === 'v4' ? 32 : 128;
  const wrong = `allowed: a list of ${family === 'v4' ? 'IPv4' : 'IPv6'} addresses`;
  const ofFamily = (address: string): boolean =>
    isCidr(`${address}/${prefix}`) && address.includes(':') === (family === 'v6');
  return z.array(z.string().refine(ofFamily, wrong)).default([]);
}

function loopbackAddress(family: 'v4' | 'v6') {
  const wrong = family === 'v4' ? 'allowed: an address of 127.0.0.0/8' : 'allowed: an IPv6 address';
  const fits = (address: string): boolean =>
    family === 'v4' ? address.startsWith('127.') && isCidr(`${address}/32`) : isCidr(`${address}/128`);
  return z.string().refine(fits, wrong).default(loopbackSource[family]);
}

const loopbackCidr = z
  .string()
  .refine(
    (cidr) => cidr.startsWith('127.') && isCidr(cidr) && Number(cidr.split('/')[1]) >= 8,
    'allowed: a CIDR within 127.0.0.0/8, with a prefix of 8 to 32 bits',
  )
  .default('127.0.0.1/32');

/**
 * Capture rules without a pod, with the field names and defaults of `istio-iptables` (Istio 1.32). By default, only the
 * proxy's own calls are captured. Lists are comma-separated strings.
 */
export const captureFile = z.strictObject({
  proxyPort: wholeNumber(1, 65_535, ports.outbound),
  inboundCapturePort: wholeNumber(1, 65_535, ports.inbound),
  inboundTunnelPort: wholeNumber(1, 65_535, ports.tunnel),
  proxyUID: ids.default([String(proxyUser.uid)]),
  proxyGID: ids.optional(),
  inboundTProxyMark: wholeNumber(1, 0xff_ff_ff_ff, transparentProxy.inboundMark),
  inboundTProxyRouteTable: wholeNumber(1, 252, transparentProxy.routeTable),
  ownerGroupsInclude: text(groupListOrAll, '*'),
  ownerGroupsExclude: text(groupList, ''),
  hostIPv4LoopbackCidr: loopbackCidr,
  inboundPortsInclude: text(portListOrAll, ''),
  inboundPortsExclude: text(portList, ''),
  outboundPortsInclude: text(portList, ''),
  outboundPortsExclude: text(portList, ''),
  outboundIPRangesInclude: text(cidrListOrAll, ''),
  outboundIPRangesExclude: text(cidrList, ''),
  outboundUsersExclude: text(userList, ''),
  excludeInterfaces: text(interfaceList, ''),
  rerouteVirtualInterfaces: text(interfaceList, ''),
  interceptionMode: z
    .enum(['', 'REDIRECT', 'TPROXY'], 'allowed: REDIRECT, TPROXY or the empty text, which is REDIRECT')
    .default(''),
  ipv6: z.boolean().default(false),
  redirectDNS: z.boolean().default(false),
  captureAllDNS: z.boolean().default(false),
  dnsServersV4: servers('v4'),
  dnsServersV6: servers('v6'),
  dropInvalid: z.boolean().default(false),
  loopbackSourceV4: loopbackAddress('v4'),
  loopbackSourceV6: loopbackAddress('v6'),
  loading: z.enum(['append', 'replace'], 'allowed: append, replace').default('append'),
});

/** The contents of such a file, with all defaults applied. */
export type CaptureFile = z.output<typeof captureFile>;
