import type { Examples } from './example.ts';

const prefix = 'traffic.sidecar.istio.io';
const ports = 'a comma list of ports 0-65535 and ranges such as 8000-8100';
const cidrs = 'a comma list of CIDRs such as 10.0.0.0/8 or 2001:db8::/32';
const interfaces = 'a comma list of interface names (a letter, then up to 14 of A-Z a-z 0-9 _ . -)';
const one = (port: number) => ({ first: port, last: port });

export const traffic: Examples = {
  'sidecar.istio.io/interceptionMode': {
    good: 'NONE',
    effect: ({ capture }) => capture.mode,
    value: 'NONE',
    bad: 'TPROXY',
    message:
      '"TPROXY" needs a proxy that is root with NET_ADMIN, which is not offered; an application that must see its clients takes traffic.sidecar.istio.io/excludeInboundPorts for those ports; allowed: REDIRECT, NONE',
  },
  [`${prefix}/includeOutboundIPRanges`]: {
    good: '10.0.0.0/8,2001:db8::/32',
    effect: ({ capture }) => capture.includeOutboundIPRanges,
    value: ['10.0.0.0/8', '2001:db8::/32'],
    bad: '10.0.0.0',
    message: `"10.0.0.0" is not allowed; allowed: * or ${cidrs}`,
  },
  [`${prefix}/excludeOutboundIPRanges`]: {
    good: '10.0.0.1/32',
    effect: ({ capture }) => capture.excludeOutboundIPRanges,
    value: ['169.254.169.254/32', 'fd00:ec2::254/128', '10.0.0.1/32'],
    bad: '*',
    message: `"*" is not allowed; allowed: ${cidrs}`,
  },
  [`${prefix}/includeOutboundPorts`]: {
    good: '80',
    effect: ({ capture }) => capture.includeOutboundPorts,
    value: [one(80)],
    bad: '80;443',
    message: `"80;443" is not allowed; allowed: ${ports}`,
  },
  [`${prefix}/excludeOutboundPorts`]: {
    good: '3306,5432',
    effect: ({ capture }) => capture.excludeOutboundPorts,
    value: [one(3306), one(5432)],
    bad: '*',
    message: `"*" is not allowed; allowed: ${ports}`,
  },
  [`${prefix}/includeInboundPorts`]: {
    good: '80',
    effect: ({ capture }) => capture.includeInboundPorts,
    value: [one(80)],
    bad: '70000',
    message: `"70000" is not allowed; allowed: * or ${ports}`,
  },
  [`${prefix}/excludeInboundPorts`]: {
    good: '9000-9010',
    effect: ({ capture }) => capture.excludeInboundPorts,
    value: [{ first: 9000, last: 9010 }],
    bad: '9010-9000',
    message: `"9010-9000" is not allowed; allowed: ${ports}`,
  },
  [`${prefix}/excludeInterfaces`]: {
    good: 'eth1',
    effect: ({ capture }) => capture.excludeInterfaces,
    value: ['eth1'],
    bad: 'eth1 -j ACCEPT',
    message: `"eth1 -j ACCEPT" is not allowed; allowed: ${interfaces}`,
  },
  'istio.io/reroute-virtual-interfaces': {
    good: 'tap0,tap1',
    effect: ({ capture }) => capture.rerouteInterfaces,
    value: ['tap0', 'tap1'],
    bad: 'k6t/eth0',
    message: `"k6t/eth0" is not allowed; allowed: ${interfaces}`,
  },
  [`${prefix}/kubevirtInterfaces`]: {
    good: 'k6t-eth0',
    effect: ({ capture }) => capture.rerouteInterfaces,
    value: ['k6t-eth0'],
    deprecation: `annotation "${prefix}/kubevirtInterfaces" is deprecated; use the annotation istio.io/reroute-virtual-interfaces`,
    bad: '0eth',
    message: `"0eth" is not allowed; allowed: ${interfaces}`,
  },
  'sidecar-injector.io/excludeOutboundUsers': {
    good: '1000,1001:443,1001:8000-8100',
    effect: ({ capture }) => capture.excludeOutboundUsers,
    value: [
      { uid: '1000', ports: 'all' },
      { uid: '1001', ports: [one(443)] },
      { uid: '1001', ports: [{ first: 8000, last: 8100 }] },
    ],
    bad: 'root:80',
    message:
      '"root:80" is not allowed; allowed: a comma list of user ids, each alone or with ports: 1000 or 1000:443 or 1000:8000-8100',
  },
  'sidecar-injector.io/includeOutboundGroups': {
    good: '2000,java',
    effect: ({ capture }) => capture.includeOutboundGroups,
    value: ['2000', 'java'],
    bad: 'Java',
    message: '"Java" is not allowed; allowed: * or a comma list of at most 64 group ids or names',
  },
  'sidecar-injector.io/excludeOutboundGroups': {
    good: '888',
    effect: ({ capture }) => capture.excludeOutboundGroups,
    value: ['888'],
    bad: '*',
    message: '"*" is not allowed; allowed: a comma list of group ids or names',
  },
  'sidecar-injector.io/httpPorts': {
    good: '9000',
    effect: ({ proxy }) => proxy.httpPorts.at(-1),
    value: one(9000),
    bad: 'http',
    message: `"http" is not allowed; allowed: ${ports}`,
  },
  'sidecar-injector.io/opaquePorts': {
    good: '9000',
    effect: ({ proxy }) => proxy.opaquePorts.at(-1),
    value: one(9000),
    bad: 'tcp',
    message: `"tcp" is not allowed; allowed: ${ports}`,
  },
};
