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

/** User and group as numbers of the node. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Where resources are not Istio's: a pod's annotations leave the others alone, the init container has its own. */
export interface Hardening {
  readonly initResources: JsonObject;
}

/** Everything that Istio's templates depend on. */
export interface TemplateData {
  readonly values: IstioValues;
  readonly mesh: MeshConfig;
  /** The mesh's, with the pod's own on top. */
  readonly proxyConfig: ProxyConfig;
  readonly view: PodView;
  /** The pod's own containers: without those of an earlier injection. */
  readonly containers: readonly JsonObject[];
  /** What Istio's injector put into the pod before; undefined for a fresh one. */
  readonly previous: PreviousInjection | undefined;
  /** Variables of the proxy that the address of the request names, by name. */
  readonly addressVariables: Readonly<Record<string, string>>;
  readonly namespace: string;
  readonly workload: Workload;
  readonly native: boolean;
  /** What the settings put on top of Istio's rules; undefined unless they are hardened. */
  readonly hardening: Hardening | undefined;
  /** User and group of the proxy that the platform assigns to the namespace; undefined is Istio's 1337. */
  readonly platformIdentity: Identity | undefined;
}

export function annotationOf(data: TemplateData, name: string): string | undefined {
  return data.view.annotations === undefined ? undefined : stringMember(data.view.annotations, name);
}

export function labelOf(data: TemplateData, name: string): string | undefined {
  const value = data.view.labels === undefined ? undefined : stringMember(data.view.labels, name);
  return value === '' ? undefined : value;
}

export function interceptionModeOf(data: TemplateData): string {
  return annotationOf(data, names.interceptionMode) ?? data.proxyConfig.interceptionMode ?? 'REDIRECT';
}

/** The agent's port as it is written into arguments; `0` switches the proxy's probes off. */
export function statusPortOf(data: TemplateData): string {
  return annotationOf(data, names.statusPort) ?? String(data.values.global.proxy.statusPort);
}

export function identityOf(data: TemplateData): Identity {
  return data.platformIdentity ?? proxyUser;
}

export function isCni(data: TemplateData): boolean {
  return data.values.pilot.cni.enabled || data.values.istio_cni?.enabled === true;
}

/** Names of the pod's containers that are not the proxy. */
export function applicationNames(data: TemplateData): string[] {
  return data.containers.map((container) => stringMember(container, 'name') ?? '').filter((name) => name !== proxyName);
}

/** `default` when the installation has no revision. */
export function revisionOf(values: IstioValues): string {
  return values.revision === '' ? 'default' : values.revision;
}

/** Whether classic containers wait for the proxy; a pod's `false` does not overrule the values. */
export function holdsApplication(data: TemplateData): boolean {
  return (
    data.proxyConfig.holdApplicationUntilProxyStarts === true ||
    data.values.global.proxy.holdApplicationUntilProxyStarts === true
  );
}
