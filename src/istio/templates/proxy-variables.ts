import { annotationNames as names } from '../../pod/annotation-names.ts';
import { objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { replaceNamed, type Lists } from './container-lists.ts';
import { sortedVariables } from './container-parts.ts';
import { proberEntry, withProberVariable, type Probers } from './probers.ts';
import { type TemplateData } from './template-data.ts';
import { proxyName } from './template-pod.ts';

const clusterVariable = 'ISTIO_META_CLUSTER_ID';
const networkVariable = 'ISTIO_META_NETWORK';

/**
 * Returns the network of the proxy, from the pod's label, else the request's address, else the values. An empty label
 * hides the values.
 */
export function networkOf(data: TemplateData): string {
  const label = stringMember(data.view.labels, names.network);
  const otherwise = label === undefined ? data.values.global.network : '';
  return label || data.addressVariables[networkVariable] || otherwise;
}

/**
 * Returns the variables for cluster and network from the request's address, the values and the pod's label. They go
 * after all others.
 */
export function placeVariables(data: TemplateData, network: string): JsonObject[] {
  const cluster = data.addressVariables[clusterVariable] || data.values.global.multiCluster.clusterName;
  return sortedVariables({
    ...data.addressVariables,
    ...(cluster === '' ? {} : { [clusterVariable]: cluster }),
    ...(network === '' ? {} : { [networkVariable]: network }),
  });
}

function withProxy(lists: Lists, change: (container: JsonObject) => JsonObject): Lists {
  return {
    initContainers: replaceNamed(lists.initContainers, proxyName, change),
    containers: replaceNamed(lists.containers, proxyName, change),
  };
}

/** Appends the variables to the proxy's environment, replacing those of the same name. */
export function withVariables(lists: Lists, variables: readonly JsonObject[]): Lists {
  if (variables.length === 0) return lists;
  const taken = new Set(variables.map((one) => stringMember(one, 'name')));
  return withProxy(lists, (container) => ({
    ...container,
    env: [...objectsMember(container, 'env').filter((one) => !taken.has(stringMember(one, 'name'))), ...variables],
  }));
}

/**
 * Adds the probers to the proxy's environment: at the end, or to those that an earlier injection has set. What the
 * user's copy of the proxy sets is replaced.
 */
export function withProbers(lists: Lists, probers: Probers, { previous }: TemplateData): Lists {
  if (Object.keys(probers).length === 0) return lists;
  if (previous === undefined) return withVariables(lists, [proberEntry([], probers).entry]);
  return withProxy(lists, (container) => ({
    ...container,
    env: withProberVariable(objectsMember(container, 'env'), probers),
  }));
}
