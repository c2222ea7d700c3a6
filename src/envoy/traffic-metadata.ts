import { isObject, type JsonObject } from '../json/json.ts';
import type { TrafficIntent } from './intent.ts';

/** Settings of a proxy that its control plane has to know; everything else is in its bootstrap. */
const proxyKeys = [
  'outboundTrafficPolicy',
  'httpPorts',
  'opaquePorts',
  'protocolDetectionTimeoutMs',
  'accessLog',
  'metrics',
  'tracing',
] as const satisfies readonly (keyof TrafficIntent['settings']['proxy'])[];

/** What a bootstrap says of its proxy to the control plane, as the injector wrote it. */
export type TrafficMetadata = Omit<TrafficIntent, 'self' | 'settings'> & {
  readonly proxy: Pick<TrafficIntent['settings']['proxy'], (typeof proxyKeys)[number]>;
  readonly families: TrafficIntent['settings']['capture']['families'];
};

/** Key of the metadata in `node.metadata`. */
export const metadataKey = 'SIDECAR_INJECTOR';

/** Returns the metadata of a proxy. */
export function trafficMetadata(intent: Omit<TrafficIntent, 'self'>): JsonObject {
  const { proxy, capture } = intent.settings;
  const metadata: TrafficMetadata = {
    proxy: Object.fromEntries(
      proxyKeys.flatMap((key) => (proxy[key] === undefined ? [] : [[key, proxy[key]]])),
    ) as TrafficMetadata['proxy'],
    families: capture.families,
    workload: { name: intent.workload.name },
    httpInboundPorts: intent.httpInboundPorts,
    opaqueInboundPorts: intent.opaqueInboundPorts,
  };
  return metadata as unknown as JsonObject;
}

/**
 * Reads the metadata of a proxy's node. It is the pod's own statement about itself, so it may only decide on what that pod gets.
 * Returns undefined if it is not what an injector wrote.
 */
export function readTrafficMetadata(metadata: JsonObject, self: TrafficIntent['self']): TrafficIntent | undefined {
  const told = metadata[metadataKey] as TrafficMetadata | undefined;
  if (!isObject(told) || !isObject(told.proxy) || !Array.isArray(told.families) || !isObject(told.workload))
    return undefined;
  return {
    settings: { proxy: told.proxy, capture: { families: told.families } } as unknown as TrafficIntent['settings'],
    workload: told.workload,
    httpInboundPorts: told.httpInboundPorts,
    opaqueInboundPorts: told.opaqueInboundPorts,
    self,
  };
}
