import { annotationNames as names } from '../../pod/annotation-names.ts';
import { byKey, type JsonObject } from '../../json/json.ts';
import { withAsked } from './asked-resources.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

type Variable = JsonObject & { readonly name: string };

export function variable(name: string, value: string): Variable {
  return { name, value };
}

/** Returns a variable whose value the kubelet takes from a field of the pod. */
export function fieldVariable(name: string, fieldPath: string): Variable {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Returns a variable whose value the kubelet takes from the container's resources. */
export function resourceVariable(name: string, resource: string): Variable {
  return { name, valueFrom: { resourceFieldRef: { divisor: '1', resource } } };
}

/** Returns the metadata that the mesh or the pod sets for the agent, sorted by name. */
export function metadataVariables(data: TemplateData): Variable[] {
  return Object.entries(data.proxyConfig.proxyMetadata ?? {})
    .toSorted(byKey)
    .map(([name, value]) => variable(name, value));
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
