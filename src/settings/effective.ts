import type { Additions } from './additions.ts';
import { member, type JsonObject } from '../json/json.ts';
import { names } from '../pod/conventions.ts';
import { isEmptySelector, matchesLabels } from '../pod/label-selector.ts';
import type { Settings } from './schema/configuration.ts';
import { profileLabel, type Caps, type ContainerPatch, type Profile } from './schema/profile.ts';
import type { Variant } from './schema/variant.ts';
import { changeResources, type ResourceChanges, type Resources } from './schema/values.ts';
import { matchesWildcard } from '../grammar/wildcard.ts';

/** Settings that pods take over unchanged, without those that have another form in a pod's settings or none. */
type ProxySettings = Omit<Settings['proxy'], 'allowedImages' | 'holdApplicationUntilProxyStarts'>;
type CaptureSettings = Omit<
  Settings['capture'],
  'interceptionMode' | 'redirectDNS' | 'families' | 'metadataAddresses' | 'apiServerAddresses'
>;

/** How a proxy takes part in a mesh. */
export interface MeshAccess {
  /** Host and port of the control plane. */
  readonly address: string;
  /** Audience of the token that the proxy shows. */
  readonly audience: string;
  /** Root certificates of the control plane, PEM. Undefined as long as it has not published any. */
  readonly roots: string | undefined;
}

/** The settings of a pod, resolved from defaults, settings, profile, and the pod's annotations and labels. */
export interface PodSettings {
  templates: readonly string[];
  profile: string | undefined;
  /** The version of the built-in sidecar; undefined: that of `spec.proxy`. */
  variant: string | undefined;
  /** Whether the pod asks for a native (true) or classic (false) sidecar. */
  nativeSidecar: boolean | undefined;
  rewriteProbes: boolean;
  /** Undefined: the proxy needs no control plane. */
  mesh: MeshAccess | undefined;
  /** Overrides the name of the pod's workload, which is otherwise that of its owner. */
  workloadName: string | undefined;
  /** With a status port of 0 the proxy has no probes. */
  proxy: ProxySettings & {
    holdApplication: boolean;
    /** Worker threads, 0 for one per core. Undefined: derived from the CPU limit. */
    concurrency: number | undefined;
    /** Seconds after which a proxy that drains refuses new connections. Undefined: not before the application ends. */
    drainSeconds: number | undefined;
    /** How long a classic proxy runs on after it has begun to drain, in seconds. Undefined: until the application ends. */
    terminationDrainSeconds: number | undefined;
    /** What the pod adds to the proxy's container. */
    additions: Additions;
  };
  capture: CaptureSettings & { mode: 'REDIRECT' | 'NONE'; families: readonly ('v4' | 'v6')[] };
  /** JSON Patches (RFC 6902) of the profile for the injected containers. */
  patches: { proxy: readonly ContainerPatch[]; init: readonly ContainerPatch[] };
  /** Upper bounds of what the pod may ask for. */
  caps: Caps;
  /** Whether the pod gets these settings as an annotation. */
  showSettings: boolean;
}

function mergeResources(base: Resources, over: ResourceChanges | undefined): Resources {
  return over === undefined ? base : changeResources(base, over);
}

const noCaps: Caps = { capture: 'open' };

/** Service of the control plane, as the manifest installs it. */
const controlPlane = { service: 'sidecar-injector-mesh', port: 15_012 } as const;

function meshAccess(
  { mode, mesh: { address, audience }, proxy: { clusterDomain } }: Settings,
  profile: Profile | undefined,
  roots: string | undefined,
): MeshAccess | undefined {
  if ((profile?.mode ?? mode) !== 'mesh') return undefined;
  const { service, port } = controlPlane;
  return { address: address ?? `${service}.${names.namespace}.svc.${clusterDomain}:${port}`, audience, roots };
}

/**
 * The settings of a pod without annotations: the injector's or those of a variant, with a profile applied.
 *
 * @param meshRoots root certificates of the mesh's control plane, PEM
 */
export function resolveBase(
  all: Settings,
  profile: Profile | undefined,
  meshRoots?: string,
  variant?: Variant,
): PodSettings {
  const { allowedImages } = all.proxy;
  const settings = variant === undefined ? all : { ...all, proxy: { ...variant.proxy, allowedImages } };
  const { allowedImages: _images, holdApplicationUntilProxyStarts: holdApplication, ...proxy } = settings.proxy;
  const {
    interceptionMode,
    redirectDNS: _dns,
    families,
    metadataAddresses,
    apiServerAddresses,
    ...capture
  } = settings.capture;
  return {
    templates: settings.injection.defaultTemplates,
    profile: profile?.name,
    variant: variant?.name,
    nativeSidecar: profile?.nativeSidecars === undefined ? undefined : profile.nativeSidecars === 'always',
    rewriteProbes: settings.probes.rewrite,
    mesh: meshAccess(settings, profile, meshRoots),
    workloadName: undefined,
    proxy: {
      ...proxy,
      logLevel: profile?.logLevel ?? proxy.logLevel,
      resources: mergeResources(proxy.resources, profile?.resources),
      holdApplication,
      concurrency: undefined,
      drainSeconds: undefined,
      terminationDrainSeconds: undefined,
      additions: { env: [], volumes: [], volumeMounts: [] },
    },
    capture: {
      ...capture,
      imagePullPolicy: capture.imagePullPolicy ?? proxy.imagePullPolicy,
      mode: profile?.interceptionMode ?? interceptionMode,
      families: families.map((family) => (family === 'IPv4' ? 'v4' : 'v6')),
      excludeOutboundIPRanges: [...metadataAddresses, ...apiServerAddresses, ...capture.excludeOutboundIPRanges],
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

/** A copy of the settings for annotations to change; what they never change is shared. */
export function draftOf(base: PodSettings): PodSettings {
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
 * Returns the first profile whose namespace patterns and pod selector both match. A profile with neither applies to pods
 * that name it in their label. To bound those pods, list profiles with caps first.
 */
export function chooseProfile(
  profiles: readonly Profile[],
  namespace: string,
  labels: JsonObject | undefined,
): Profile | undefined {
  return profiles.find((profile) => selects(profile, namespace, labels));
}
