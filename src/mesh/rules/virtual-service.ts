import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { httpRoute } from './istio/http-route.ts';
import { checkRoutes } from './istio/route-checks.ts';
import { anyHost, exportTo } from './istio/values.ts';
import type { Finding } from './finding.ts';
import { readRule, refused } from './reading.ts';
import type { Rule } from './rule.ts';

/** Schema of the `spec` of a VirtualService. */
export const virtualServiceSpec = z.strictObject({
  hosts: z
    .array(anyHost)
    .default([])
    .describe(
      "Services whose requests are meant: names in the object's namespace, full names, or `*.` and the end of full names. Without any, the object has no effect.",
    ),
  gateways: z
    .array(z.string())
    .optional()
    .describe(
      'Default: `mesh`, which are the proxies of pods. Others are not served; without `mesh` the object has no effect.',
    ),
  http: z.array(httpRoute).default([]).describe('Routes in order: the first one that matches counts.'),
  exportTo: exportTo.optional().describe('Namespaces of clients that the object counts for. Default: all.'),
  tls: refused('TLS that the application itself begins passes as it is; take the routes out'),
  tcp: refused('only requests of HTTP and gRPC are routed; take the routes out'),
});

/** The `spec` of a VirtualService. */
export type VirtualService = z.output<typeof virtualServiceSpec>;

/** Returns whether an object, or one block of it, counts for the proxies of pods. */
export function countsForPods({ gateways }: { readonly gateways?: readonly string[] | undefined }): boolean {
  return gateways === undefined || gateways.length === 0 || gateways.includes('mesh');
}

function checkHosts({ hosts, http }: VirtualService): Finding[] {
  if (hosts.length === 0) {
    const named = [...new Set(http.flatMap(({ route = [] }) => route.map(({ destination }) => destination.host)))];
    const sentence = `there are no hosts, so that no request is meant: such an object is only for others to take in. Add hosts: [${named.join(', ')}]`;
    return [{ field: '/spec', effect: 'without-effect', code: 'NoHosts', sentence }];
  }
  return hosts.flatMap((host, index): Finding[] => {
    const field = `/spec/hosts/${index}`;
    if (host === '*') {
      const sentence = '"*" is only for gateways; allowed: the names of Services, or "*." and the end of full names';
      return [{ field, effect: 'refused', code: 'InvalidValue', sentence }];
    }
    const other = hosts.slice(0, index).find((one) => covers(one, host) || covers(host, one));
    if (other === undefined) return [];
    return [
      {
        field,
        effect: 'refused',
        code: 'OverlappingHosts',
        sentence: `"${host}" and "${other}" overlap: leave one of them out`,
      },
    ];
  });
}

function covers(one: string, other: string): boolean {
  return one === other || (one.startsWith('*.') && other.replace(/^\*/, '').endsWith(one.slice(1)));
}

function checkGateways({ gateways = [] }: VirtualService): Finding[] {
  const others = gateways.filter((name) => name !== 'mesh');
  if (others.length === 0) return [];
  const names = others.join(', ');
  return gateways.includes('mesh')
    ? [
        {
          field: '/spec/gateways',
          effect: 'warning',
          code: 'GatewaysNotServed',
          sentence: `only "mesh" counts; gateways are not served here: ${names}`,
        },
      ]
    : [
        {
          field: '/spec/gateways',
          effect: 'without-effect',
          code: 'GatewaysNotServed',
          sentence: `gateways are not served here: ${names}; add "mesh" for the requests between pods`,
        },
      ];
}

function check(spec: VirtualService): Finding[] {
  const isMeant = spec.gateways === undefined || countsForPods(spec);
  return [...(isMeant ? checkHosts(spec) : []), ...checkGateways(spec), ...checkRoutes(spec.http)];
}

/** Reads a VirtualService. */
export function readVirtualService(object: JsonObject): Rule<VirtualService> {
  return readRule('VirtualService', object, virtualServiceSpec, check);
}
