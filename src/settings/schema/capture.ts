import * as z from 'zod';
import { cidrList, cidrListOrAll, imageReference, interfaceList, portList, portListOrAll } from '../grammar.ts';
import { pullPolicy, resources, written } from './values.ts';

/** Settings of the redirection of traffic and of its init container. */
export const capture = z.strictObject({
  image: written(imageReference).default('sidecar-injector-init:0.1.0'),
  imagePullPolicy: pullPolicy.optional(),
  interceptionMode: z.enum(['REDIRECT', 'NONE']).default('REDIRECT'),
  families: z
    .array(z.enum(['IPv4', 'IPv6']))
    .min(1)
    .default(['IPv4', 'IPv6']),
  includeOutboundIPRanges: written(cidrListOrAll).default('*'),
  /** The cloud's metadata service stays reachable when the proxy is not there yet. */
  excludeOutboundIPRanges: written(cidrList).default('169.254.169.254/32'),
  includeOutboundPorts: written(portList).default(''),
  excludeOutboundPorts: written(portList).default(''),
  includeInboundPorts: written(portListOrAll).default('*'),
  excludeInboundPorts: written(portList).default(''),
  excludeInterfaces: written(interfaceList).default(''),
  resources: resources.prefault({
    requests: { cpu: '10m', memory: '16Mi' },
    limits: { cpu: '100m', memory: '64Mi' },
  }),
});
