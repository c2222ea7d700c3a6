import { proxyUser } from '../../pod/conventions.ts';
import type { MeshConfig } from '../../settings/schema/istio/mesh-config.ts';
import type { ProxyConfig } from '../../settings/schema/istio/proxy-config.ts';
import type { IstioValues } from '../../settings/schema/istio/values.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';
import type { Workload } from '../../pod/workload.ts';
import type { PreviousInjection } from './previous-injection.ts';
import { proxyName } from './template-pod.ts';

/** Numeric user and group id. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Rules for resources that differ from Istio's: a pod's annotation leaves other resources as they are, and the init
 * container has its own.
 */
export interface Hardening {
  readonly initResources: JsonObject;
}

/** Everything that Istio's templates depend on. */
export interface TemplateData {
  readonly values: IstioValues;
  readonly mesh: MeshConfig;
  /** ProxyConfig of the mesh with the pod's own on top. */
  readonly proxyConfig: ProxyConfig;
  readonly view: PodView;
  /** The pod's own containers, without those of an earlier injection. */
  readonly containers: readonly JsonObject[];
  /** What Istio's injector has added to the pod before; undefined for a fresh pod. */
  readonly previous: PreviousInjection | undefined;
  /** Variables of the proxy that the request's address sets, by name. */
  readonly addressVariables: Readonly<Record<string, string>>;
  readonly namespace: string;
  readonly workload: Workload;
  readonly native: boolean;
  /** What the settings add to Istio's rules; undefined unless they are hardened. */
  readonly hardening: Hardening | undefined;
  /** User and group that the platform assigns to the proxy in this namespace; undefined means Istio's 1337. */
  readonly platformIdentity: Identity | undefined;
}

export function annotationOf(data: TemplateData, name: string): string | undefined {
  return stringMember(data.view.annotations, name);
}

/** Returns the label's value, or undefined if it is missing or empty. */
export function labelOf(data: TemplateData, name: string): string | undefined {
  const value = stringMember(data.view.labels, name);
  return value === '' ? undefined : value;
}

/** Returns the interception mode: the pod's, else the ProxyConfig's, else REDIRECT. */
export function interceptionModeOf(data: TemplateData): string {
  return annotationOf(data, names.interceptionMode) ?? data.proxyConfig.interceptionMode ?? 'REDIRECT';
}

/** Returns the agent's port as text for its arguments; `0` switches the proxy's probes off. */
export function statusPortOf(data: TemplateData): string {
  return annotationOf(data, names.statusPort) ?? String(data.values.global.proxy.statusPort);
}

/** Returns the user and group of the proxy: the platform's, else Istio's 1337. */
export function identityOf(data: TemplateData): Identity {
  return data.platformIdentity ?? proxyUser;
}

/** Returns whether a node agent (Istio's CNI plug-in) loads the capture rules instead of an init container. */
export function isCni(data: TemplateData): boolean {
  return data.values.pilot.cni.enabled;
}

/** Returns the names of the pod's containers other than the proxy. */
export function applicationNames(data: TemplateData): string[] {
  return data.containers.map((container) => stringMember(container, 'name') ?? '').filter((name) => name !== proxyName);
}

/** Returns the revision; `default` if the installation has none. */
export function revisionOf(values: IstioValues): string {
  return values.revision === '' ? 'default' : values.revision;
}

/** Returns whether classic containers wait for the proxy. `false` in the pod does not override the values. */
export function holdsApplication(data: TemplateData): boolean {
  return (
    data.proxyConfig.holdApplicationUntilProxyStarts === true ||
    data.values.global.proxy.holdApplicationUntilProxyStarts === true
  );
}
