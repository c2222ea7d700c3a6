import type { Additions } from './additions.ts';
import { hostAndPort } from '../grammar/address.ts';
import type { ExcludedUser } from '../grammar/excluded-user.ts';
import {
  cidrList,
  cidrListOrAll,
  groupList,
  groupListOrAll,
  interfaceList,
  portList,
  portListOrAll,
  userList,
  type Grammar,
} from '../grammar/grammar.ts';
import { member, type JsonObject } from '../json/json.ts';
import { isEmptySelector, matchesLabels } from '../pod/label-selector.ts';
import type { PortRange } from '../grammar/port-range.ts';
import type { Settings } from './schema/configuration.ts';
import { profileLabel, type Caps, type ContainerPatch, type Profile } from './schema/profile.ts';
import type { Resources } from './schema/values.ts';
import { matchesWildcard } from '../grammar/wildcard.ts';

/** What is injected into one pod: defaults, settings, profile and pod settings, resolved and parsed. */
export interface Effective {
  templates: readonly string[];
  profile: string | undefined;
  /** The pod's own wish for a native (true) or classic (false) sidecar. */
  nativeSidecar: boolean | undefined;
  rewriteProbes: boolean;
  /** Another name for the workload than its owner's. */
  workloadName: string | undefined;
  proxy: {
    image: string;
    imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
    imagePullSecrets: readonly string[];
    logLevel: string;
    componentLogLevel: string;
    /** 0: no status listener and no probes of the proxy's own. */
    statusPort: number;
    holdApplication: boolean;
    /** Worker threads, 0 for one a core; undefined lets the CPU limit decide. */
    concurrency: number | undefined;
    /** Seconds in which clients are asked to go elsewhere before their connections end. */
    drainSeconds: number;
    /** Seconds that a classic proxy goes on after it began to drain. */
    terminationDrainSeconds: number;
    clusterDomain: string;
    outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY';
    protocolDetectionTimeoutMs: number;
    opaquePorts: readonly PortRange[];
    /** Undefined: what the memory limit has room for. */
    maxConnections: number | undefined;
    accessLog: 'stdout' | 'file' | 'none';
    metrics: { istio: boolean; merge: boolean };
    tracing: { host: string; port: number; samplingPercent: number } | undefined;
    admin: 'port' | 'socket';
    quitHook: boolean;
    /** 0: application containers get no preStop hook. */
    applicationDrainSeconds: number;
    readiness: { initialDelaySeconds: number; periodSeconds: number; failureThreshold: number };
    resources: Resources;
    /** What the pod adds to the proxy's container. */
    additions: Additions;
  };
  capture: {
    image: string;
    imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
    mode: 'REDIRECT' | 'NONE';
    families: readonly ('v4' | 'v6')[];
    loadedBy: 'init-container' | 'node-agent';
    backend: 'iptables' | 'nftables';
    verify: boolean;
    includeOutboundIPRanges: 'all' | readonly string[];
    excludeOutboundIPRanges: readonly string[];
    includeOutboundPorts: readonly PortRange[];
    excludeOutboundPorts: readonly PortRange[];
    includeInboundPorts: 'all' | readonly PortRange[];
    excludeInboundPorts: readonly PortRange[];
    excludeOutboundUsers: readonly ExcludedUser[];
    includeOutboundGroups: 'all' | readonly string[];
    excludeOutboundGroups: readonly string[];
    excludeInterfaces: readonly string[];
    rerouteInterfaces: readonly string[];
    dropInvalidPackets: boolean;
    resources: Resources;
  };
  /** JSON Patches (RFC 6902) of the profile for the injected containers. */
  patches: { proxy: readonly ContainerPatch[]; init: readonly ContainerPatch[] };
  /** What a pod may ask for at most. */
  caps: Caps;
  /** Whether the pod gets an annotation with all of this. */
  showSettings: boolean;
}

function parsed<T>(grammar: Grammar<T>, text: string): T {
  const result = grammar.parse(text);
  // The schema has accepted the text with the same grammar.
  if ('problem' in result) throw new Error(result.problem);
  return result.value;
}

function mergeResources(base: Resources, over: Resources | undefined): Resources {
  if (over === undefined) return base;
  return { requests: { ...base.requests, ...over.requests }, limits: { ...base.limits, ...over.limits } };
}

/** Enough for clients to notice, and half of Kubernetes' default grace period. */
const drainSeconds = 15;

const noCaps: Caps = { capture: 'open' };

function tracingOf({ tracing }: Settings['proxy']): Effective['proxy']['tracing'] {
  if (tracing === undefined) return undefined;
  return { ...parsed(hostAndPort, tracing.otlpAddress), samplingPercent: tracing.samplingPercent };
}

/** Settings and one profile, parsed: what a pod without annotations gets. */
export function resolveBase(settings: Settings, profile: Profile | undefined): Effective {
  const { proxy, capture } = settings;
  return {
    templates: settings.injection.defaultTemplates,
    profile: profile?.name,
    nativeSidecar: undefined,
    rewriteProbes: settings.probes.rewrite,
    workloadName: undefined,
    proxy: {
      image: proxy.image,
      imagePullPolicy: proxy.imagePullPolicy,
      imagePullSecrets: proxy.imagePullSecrets,
      logLevel: profile?.logLevel ?? proxy.logLevel,
      componentLogLevel: proxy.componentLogLevel,
      statusPort: proxy.statusPort,
      holdApplication: proxy.holdApplicationUntilProxyStarts,
      concurrency: undefined,
      drainSeconds,
      terminationDrainSeconds: drainSeconds,
      clusterDomain: proxy.clusterDomain,
      outboundTrafficPolicy: proxy.outboundTrafficPolicy,
      protocolDetectionTimeoutMs: proxy.protocolDetectionTimeoutMs,
      opaquePorts: parsed(portList, proxy.opaquePorts),
      maxConnections: proxy.maxConnections,
      accessLog: proxy.accessLog,
      metrics: proxy.metrics,
      tracing: tracingOf(proxy),
      admin: proxy.admin,
      quitHook: proxy.quitHook,
      applicationDrainSeconds: proxy.applicationDrainSeconds,
      readiness: proxy.readiness,
      resources: mergeResources(proxy.resources, profile?.resources),
      additions: { env: [], volumes: [], volumeMounts: [] },
    },
    capture: {
      image: capture.image,
      imagePullPolicy: capture.imagePullPolicy ?? proxy.imagePullPolicy,
      mode: profile?.interceptionMode ?? capture.interceptionMode,
      loadedBy: capture.loadedBy,
      backend: capture.backend,
      verify: capture.verify,
      families: capture.families.map((family) => (family === 'IPv4' ? 'v4' : 'v6')),
      includeOutboundIPRanges: parsed(cidrListOrAll, capture.includeOutboundIPRanges),
      excludeOutboundIPRanges: [
        ...parsed(cidrList, capture.metadataAddresses),
        ...parsed(cidrList, capture.apiServerAddresses),
        ...parsed(cidrList, capture.excludeOutboundIPRanges),
      ],
      includeOutboundPorts: parsed(portList, capture.includeOutboundPorts),
      excludeOutboundPorts: parsed(portList, capture.excludeOutboundPorts),
      includeInboundPorts: parsed(portListOrAll, capture.includeInboundPorts),
      excludeInboundPorts: parsed(portList, capture.excludeInboundPorts),
      excludeOutboundUsers: parsed(userList, capture.excludeOutboundUsers),
      includeOutboundGroups: parsed(groupListOrAll, capture.includeOutboundGroups),
      excludeOutboundGroups: parsed(groupList, capture.excludeOutboundGroups),
      excludeInterfaces: parsed(interfaceList, capture.excludeInterfaces),
      rerouteInterfaces: parsed(interfaceList, capture.rerouteInterfaces),
      dropInvalidPackets: capture.dropInvalidPackets,
      resources: mergeResources(capture.resources, profile?.initResources),
    },
    patches: { proxy: profile?.proxyPatch ?? [], init: profile?.initPatch ?? [] },
    caps: profile?.caps ?? noCaps,
    showSettings: settings.injection.showSettings,
  };
}

function copyResources({ requests, limits }: Resources): Resources {
  return { requests: { ...requests }, limits: { ...limits } };
}

/** A mutable copy of what a pod's annotations may change. */
export function draftOf(base: Effective): Effective {
  return {
    ...base,
    proxy: {
      ...base.proxy,
      metrics: { ...base.proxy.metrics },
      readiness: { ...base.proxy.readiness },
      resources: copyResources(base.proxy.resources),
    },
    capture: { ...base.capture, resources: copyResources(base.capture.resources) },
  };
}

function selects(profile: Profile, namespace: string, labels: JsonObject | undefined): boolean {
  const { namespaces, podSelector } = profile;
  const selector = podSelector !== undefined && isEmptySelector(podSelector) ? undefined : podSelector;
  if (namespaces === undefined && selector === undefined) {
    return labels !== undefined && member(labels, profileLabel) === profile.name;
  }
  const inNamespace = namespaces?.some((pattern) => matchesWildcard(pattern, namespace)) ?? true;
  return inNamespace && (selector === undefined || matchesLabels(selector, labels));
}

/**
 * The first profile whose namespace patterns and pod selector both match; one that has neither is chosen by the pods
 * that name it in their label. The order is the settings', so a profile with caps stands before those that pods choose.
 */
export function chooseProfile(
  profiles: readonly Profile[],
  namespace: string,
  labels: JsonObject | undefined,
): Profile | undefined {
  return profiles.find((profile) => selects(profile, namespace, labels));
}
