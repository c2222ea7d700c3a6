import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../../json/json.ts';
import { listAll } from '../../../../kubernetes/list.ts';
import type { Deployed } from '../../../live/deployed-files.ts';
import type { Check } from '../finding.ts';
import { plural } from '../../../plural.ts';

function numberOf(object: JsonObject | undefined, key: string): number {
  const value = member(object, key);
  return typeof value === 'number' ? value : 0;
}

/** What is missing of the replicas that the Deployment is to have. */
function faultsOf({ namespace, deployment }: Deployed): string[] {
  const metadata = objectMember(deployment, 'metadata');
  const name = `Deployment ${namespace}/${stringMember(metadata, 'name') ?? ''}`;
  const [spec, status] = [objectMember(deployment, 'spec'), objectMember(deployment, 'status')];
  const wanted = numberOf(spec, 'replicas');
  const [ready, updated] = [numberOf(status, 'readyReplicas'), numberOf(status, 'updatedReplicas')];
  const faults: string[] = [];
  if (wanted === 0) faults.push(`${name} is scaled to 0`);
  if (ready < wanted) faults.push(`${name}: ${ready} of ${wanted} replicas are ready`);
  if (updated < wanted) faults.push(`${name}: ${updated} of ${wanted} replicas are of its latest version`);
  if (numberOf(status, 'observedGeneration') < numberOf(metadata, 'generation')) {
    faults.push(`${name}: its latest change has not been seen by its controller`);
  }
  return faults;
}

/** All replicas are there, ready and of the latest version. */
export const deploymentCheck: Check = {
  id: 'deployment',
  title: 'all replicas of the Deployment are ready and up to date',
  async ask(cluster) {
    const found = await cluster.deployed();
    if (typeof found === 'string') {
      return { status: 'failed', lines: [found], hint: 'apply the manifests of the installation again' };
    }
    const faults = faultsOf(found);
    const look = `kubectl -n ${found.namespace} describe pods, and their log`;
    if (faults.length > 0) return { status: 'failed', lines: faults, hint: `see ${look}` };
    const replicas = numberOf(objectMember(found.deployment, 'spec'), 'replicas');
    if (replicas > 1) return { status: 'good', lines: [`${replicas} replicas`] };
    const hint = 'use two or more: while the only one is replaced, pods of labelled namespaces cannot be created';
    return { status: 'warning', lines: ['there is only one replica'], hint };
  },
};

/** The Service has endpoints, which the API server calls. */
export const endpointsCheck: Check = {
  id: 'endpoints',
  title: 'the Service has ready endpoints',
  async ask(cluster) {
    const found = await cluster.deployed();
    const hint = 'see the readiness of the replicas and the selector of the Service';
    if (typeof found === 'string') return { status: 'failed', lines: [found], hint };
    const { namespace, service } = found;
    const slices = await listAll(cluster.client, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
      labelSelector: `kubernetes.io/service-name=${service}`,
    });
    const ready = slices
      .flatMap((slice) => objectsMember(slice, 'endpoints'))
      .filter((endpoint) => objectMember(endpoint, 'conditions')?.['ready'] !== false);
    if (ready.length > 0) return { status: 'good', lines: [plural(ready.length, 'endpoint')] };
    return { status: 'failed', lines: [`Service ${namespace}/${service} has no ready endpoint`], hint };
  },
};
