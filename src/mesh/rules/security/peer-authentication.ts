import * as z from 'zod';
import type { JsonObject } from '../../../json/json.ts';
import type { Finding } from '../finding.ts';
import { portNumber } from '../istio/values.ts';
import { readClosed, type ClosedRule } from './closed-reading.ts';
import { isSpecific, workloadSelector } from './selector.ts';

/** What a pod's proxy takes: only plain text, both, or only mutual TLS. */
export type MtlsMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

const mode = z.enum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']);

const mutualTls = z.strictObject({
  mode: mode
    .default('UNSET')
    .describe(
      '`STRICT`: only mutual TLS is taken; `PERMISSIVE`: plain text as well; `DISABLE`: only plain text; `UNSET`: as it is in the namespace, then in the mesh, then `PERMISSIVE`.',
    ),
});

/** Each is 12 KB of configuration in the proxy, and 25 for both families. */
const mostPorts = 50;

const portKey = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, { error: 'allowed: the number of a port' })
  .refine((text) => portNumber.safeParse(Number(text)).success, { error: 'allowed: the number of a port' });

/** Schema of the `spec` of a PeerAuthentication. */
export const peerAuthenticationSpec = z.strictObject({
  selector: workloadSelector
    .optional()
    .describe('Pods of the namespace. Default: all; in the root namespace, those of all namespaces.'),
  mtls: mutualTls.nullish().describe('What the pods take.'),
  portLevelMtls: z
    .record(portKey, mutualTls)
    .refine((ports) => Object.keys(ports).length <= mostPorts, { error: `allowed: at most ${mostPorts} ports` })
    .optional()
    .describe("By the number of a container's port; `UNSET` there is as for the pod. Only together with a selector."),
});

/** The `spec` of a PeerAuthentication. */
export type PeerAuthentication = z.output<typeof peerAuthenticationSpec>;

function check({ selector, portLevelMtls }: PeerAuthentication): Finding[] {
  if (portLevelMtls === undefined || Object.keys(portLevelMtls).length === 0 || isSpecific(selector)) return [];
  const sentence = 'ports belong to a workload: add a selector with labels, or leave it out';
  return [{ field: '/spec/portLevelMtls', effect: 'refused', code: 'PortsWithoutSelector', sentence }];
}

/** Reads a PeerAuthentication. One that is not understood is read as `STRICT`. */
export function readPeerAuthentication(object: JsonObject): ClosedRule<PeerAuthentication> {
  return readClosed(
    'PeerAuthentication',
    object,
    peerAuthenticationSpec,
    (selector) => ({ ...(selector === undefined ? {} : { selector }), mtls: { mode: 'STRICT' } }),
    check,
  );
}
