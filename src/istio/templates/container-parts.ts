import { annotationNames as names } from '../../pod/annotation-names.ts';
import { byKey, type JsonObject } from '../../json/json.ts';
import { withAsked } from './asked-resources.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

type Variable = JsonObject & { readonly name: string };

export function variable(name: string, value: string): Variable {
  return { name, value };
}

export function fieldVariable(name: string, fieldPath: string): Variable {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

export function resourceVariable(name: string, resource: string): Variable {
  return { name, valueFrom: { resourceFieldRef: { divisor: '1', resource } } };
}

/** Metadata that the mesh or the pod gives the agent, by name. */
export function metadataVariables(data: TemplateData): Variable[] {
  return Object.entries(data.proxyConfig.proxyMetadata ?? {})
    .toSorted(byKey)
    .map(([name, value]) => variable(name, value));
}

function amounts(cpu: string | undefined, memory: string | undefined): JsonObject | undefined {
  if (cpu === undefined && memory === undefined) return undefined;
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}

/** The proxy's resources: the values', or the pod's alone when it says anything. */
export function resourcesOf(data: TemplateData): JsonObject {
  const requests = amounts(annotationOf(data, names.proxyCPU), annotationOf(data, names.proxyMemory));
  const limits = amounts(annotationOf(data, names.proxyCPULimit), annotationOf(data, names.proxyMemoryLimit));
  const { resources } = data.values.global.proxy;
  if (requests === undefined && limits === undefined) return resources;
  if (data.hardening !== undefined) return withAsked(resources, { requests: requests ?? {}, limits: limits ?? {} });
  return { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
}

/** The init container's: in Istio always the proxy's. */
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
