import { annotationNames as names } from '../../pod/annotation-names.ts';
import { byKey, type JsonObject, type NamedObject } from '../../json/json.ts';
import { withAsked } from './asked-resources.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

export function variable(name: string, value: string): NamedObject {
  return { name, value };
}

/** Returns a variable whose value the kubelet takes from a field of the pod. */
export function fieldVariable(name: string, fieldPath: string): NamedObject {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Returns a variable whose value the kubelet takes from the container's resources. */
export function resourceVariable(name: string, resource: string): NamedObject {
  return { name, valueFrom: { resourceFieldRef: { divisor: '1', resource } } };
}

/** Returns the values as variables, sorted by name. */
export function sortedVariables(values: Readonly<Record<string, string>>): NamedObject[] {
  const entries = Object.entries(values).toSorted(byKey);
  return entries.map(([name, value]) => variable(name, value));
}

/** Returns the metadata that the mesh or the pod sets for the agent, sorted by name. */
export function metadataVariables(data: TemplateData): NamedObject[] {
  return sortedVariables(data.proxyConfig.proxyMetadata ?? {});
}

function amounts(cpu: string | undefined, memory: string | undefined): JsonObject | undefined {
  if (cpu === undefined && memory === undefined) return undefined;
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

/**
 * Returns the proxy's resources: the pod's annotations if any is set, else the values. Hardened settings merge the two.
 */
export function resourcesOf(data: TemplateData): JsonObject {
  const requests = amounts(annotationOf(data, names.proxyCPU), annotationOf(data, names.proxyMemory));
  const limits = amounts(annotationOf(data, names.proxyCPULimit), annotationOf(data, names.proxyMemoryLimit));
  const { resources } = data.values.global.proxy;
  if (requests === undefined && limits === undefined) return resources;
  if (data.hardening !== undefined) return withAsked(resources, { requests: requests ?? {}, limits: limits ?? {} });
  return { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
}

/** Returns the init container's resources; in Istio they are always those of the proxy. */
export function initResourcesOf(data: TemplateData): JsonObject {
  return data.hardening?.initResources ?? resourcesOf(data);
}

export function pullPolicyOf(data: TemplateData): JsonObject {
  const { imagePullPolicy } = data.values.global;
  return imagePullPolicy === '' ? {} : { imagePullPolicy };
}

export function seccompOf(profile: Readonly<Record<string, unknown>>): JsonObject {
  return Object.keys(profile).length === 0 ? {} : { seccompProfile: profile as JsonObject };
}
