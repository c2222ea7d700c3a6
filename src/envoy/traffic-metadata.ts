import { isObject, type Json, type JsonObject } from '../json/json.ts';
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

const mostPorts = 4_096;

/** Characters of a name, and of all metadata as JSON: one proxy's text may stand in every listener that it gets. */
const longest = { name: 253, metadata: 262_144 } as const;
const accessLogs: readonly Json[] = ['stdout', 'file', 'none'];

function isWhole(value: Json | undefined, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
}

function isListOf(value: Json | undefined, isItem: (item: Json) => boolean): boolean {
  return Array.isArray(value) && value.length <= mostPorts && value.every((item) => isItem(item));
}

function isName(value: Json | undefined): boolean {
  return typeof value === 'string' && value.length <= longest.name;
}

const isPort = (value: Json | undefined): boolean => isWhole(value, 65_535);
const isRange = (value: Json): boolean => isObject(value) && isPort(value['first']) && isPort(value['last']);

function isPercent(value: Json | undefined): boolean {
  return typeof value === 'number' && value >= 0 && value <= 100;
}

function isTracing(value: Json | undefined): boolean {
  if (value === undefined) return true;
  if (!isObject(value)) return false;
  const { host, port, samplingPercent } = value;
  return isName(host) && host !== '' && isPort(port) && isPercent(samplingPercent);
}

function isProxy(value: Json | undefined): boolean {
  if (!isObject(value)) return false;
  const { accessLog, metrics, outboundTrafficPolicy, protocolDetectionTimeoutMs } = value;
  return (
    typeof outboundTrafficPolicy === 'string' &&
    isListOf(value['httpPorts'], isRange) &&
    isListOf(value['opaquePorts'], isRange) &&
    isWhole(protocolDetectionTimeoutMs, 60_000) &&
    accessLog !== undefined &&
    accessLogs.includes(accessLog) &&
    isObject(metrics) &&
    typeof metrics['istio'] === 'boolean' &&
    isTracing(value['tracing'])
  );
}

/** Whether it is what an injector writes: nothing else may get as far as the functions that make configuration of it. */
function isTold(told: Json | undefined): boolean {
  if (!isObject(told) || JSON.stringify(told).length > longest.metadata) return false;
  const { proxy, families, workload, httpInboundPorts, opaqueInboundPorts } = told;
  return (
    isProxy(proxy) &&
    isListOf(families, (one) => one === 'v4' || one === 'v6') &&
    isObject(workload) &&
    isName(workload['name']) &&
    isListOf(httpInboundPorts, isPort) &&
    isListOf(opaqueInboundPorts, isPort)
  );
}

/**
 * Reads the metadata of a proxy's node. It is the pod's own statement about itself, so it may only decide on what that pod gets.
 * Returns undefined if it is not what an injector wrote.
 */
export function readTrafficMetadata(metadata: JsonObject, self: TrafficIntent['self']): TrafficIntent | undefined {
  if (!isTold(metadata[metadataKey])) return undefined;
  const told = metadata[metadataKey] as unknown as TrafficMetadata;
  // Proxies with the same settings share listeners: what is not compared must not be in them.
  const proxy = Object.fromEntries(proxyKeys.map((key) => [key, told.proxy[key]]));
  return {
    settings: { proxy, capture: { families: told.families } } as unknown as TrafficIntent['settings'],
    workload: { name: told.workload.name },
    httpInboundPorts: told.httpInboundPorts,
    opaqueInboundPorts: told.opaqueInboundPorts,
    self,
  };
}
