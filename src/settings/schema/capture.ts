import * as z from 'zod';
import {
  cidrList,
  cidrListOrAll,
  groupList,
  groupListOrAll,
  imageReference,
  interfaceList,
  portList,
  portListOrAll,
  userList,
} from '../../grammar/grammar.ts';
import { parsed, pullPolicy, resources, written } from './values.ts';

/** Settings of traffic capture and its init container. */
export const capture = z.strictObject({
  image: written(imageReference).default('sidecar-injector-init:0.1.0'),
  imagePullPolicy: pullPolicy.optional(),
  interceptionMode: z
    .enum(
      ['REDIRECT', 'NONE'],
      'allowed: REDIRECT, NONE; TPROXY would need a proxy that is root with NET_ADMIN, which is not offered; excludeInboundPorts names ports whose application must see its clients',
    )
    .default('REDIRECT'),
  /** Istio's field, present so that users who set it learn why it is not supported. */
  redirectDNS: z
    .literal(false, 'allowed: false; the proxy has no DNS server that would answer captured queries')
    .default(false),
  /** What installs the rules: a privileged init container, or Istio's CNI plug-in on the node, which reads annotations. */
  loadedBy: z.enum(['init-container', 'node-agent']).default('init-container'),
  /** The tool that installs the rules: iptables (either backend), or nft with a table of its own. */
  backend: z.enum(['iptables', 'nftables']).default('iptables'),
  /** Whether an init container sends a connection through the rules before the pod starts, whoever has loaded them. */
  verify: z.boolean().default(true),
  /** IP families of the cluster. Traffic of a family that is not listed bypasses the proxy. */
  families: z
    .array(z.enum(['IPv4', 'IPv6']))
    .min(1)
    .refine((families) => new Set(families).size === families.length, 'allowed: each family once')
    .default(['IPv4', 'IPv6']),
  includeOutboundIPRanges: parsed(cidrListOrAll).prefault('*'),
  excludeOutboundIPRanges: parsed(cidrList).prefault(''),
  /** The cloud's metadata service (most clouds, and AWS over IPv6). It bypasses the proxy, to be reachable before that starts. */
  metadataAddresses: parsed(cidrList).prefault('169.254.169.254/32,fd00:ec2::254/128'),
  /** Addresses of the API server, such as the ClusterIP of Service `default/kubernetes`. They bypass the proxy. */
  apiServerAddresses: parsed(cidrList).prefault(''),
  includeOutboundPorts: parsed(portList).prefault(''),
  excludeOutboundPorts: parsed(portList).prefault(''),
  includeInboundPorts: parsed(portListOrAll).prefault('*'),
  excludeInboundPorts: parsed(portList).prefault(''),
  excludeOutboundUsers: parsed(userList).prefault(''),
  includeOutboundGroups: parsed(groupListOrAll).prefault('*'),
  excludeOutboundGroups: parsed(groupList).prefault(''),
  excludeInterfaces: parsed(interfaceList).prefault(''),
  rerouteInterfaces: parsed(interfaceList).prefault(''),
  /** Whether inbound packets that connection tracking considers invalid are dropped instead of reset. */
  dropInvalidPackets: z.boolean().default(false),
  resources: resources({
    requests: { cpu: '10m', memory: '16Mi' },
    limits: { cpu: '100m', memory: '64Mi' },
  }),
});
