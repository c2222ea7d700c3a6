import { annotationNames as names } from './annotation-names.ts';
import { member, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { withoutTrailing } from '../grammar/trailing.ts';
import type { PodView } from './view.ts';

/** A pod's identity in metrics: Istio's canonical service and revision, and the labels `app` and `version`. */
export interface ServiceIdentity {
  readonly name: string;
  readonly revision: string;
  readonly app: string;
  readonly version: string;
}

/** The object that a pod belongs to, such as a Deployment. */
export interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

function controllerOf(view: PodView): JsonObject | undefined {
  return objectsMember(view.metadata, 'ownerReferences').find((owner) => member(owner, 'controller') === true);
}

/** The workload of a pod, derived from the names that Kubernetes' controllers generate (Istio's rules). */
export function workloadOf(view: PodView): Workload {
  const podName = stringMember(view.metadata, 'name');
  const prefix = stringMember(view.metadata, 'generateName') ?? '';
  const owner = controllerOf(view);
  const bare = { apiVersion: 'v1', kind: 'Pod', name: podName ?? withoutTrailing(prefix, '-') };
  if (owner === undefined || prefix === '') return bare;
  const apiVersion = stringMember(owner, 'apiVersion') ?? '';
  const kind = stringMember(owner, 'kind') ?? '';
  const name = stringMember(owner, 'name') ?? '';
  const label = (key: string): string | undefined => stringMember(view.labels, key);
  if (kind === 'ReplicaSet') {
    for (const [key, parent] of [
      ['pod-template-hash', { apiVersion: 'apps/v1', kind: 'Deployment' }],
      ['rollouts-pod-template-hash', { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' }],
    ] as const) {
      const hash = label(key);
      if (hash !== undefined && hash !== '' && name.endsWith(`-${hash}`)) {
        return { ...parent, name: name.slice(0, -(hash.length + 1)) };
      }
    }
  }
  if (kind === 'Job') {
    const scheduled = /^(.+)-\d{8,10}$/.exec(name);
    if (scheduled?.[1] !== undefined) return { apiVersion: 'batch/v1', kind: 'CronJob', name: scheduled[1] };
  }
  const deploymentConfig = label('deploymentconfig');
  if (kind === 'ReplicationController' && deploymentConfig !== undefined && deploymentConfig !== '') {
    return { apiVersion: 'apps.openshift.io/v1', kind: 'DeploymentConfig', name: deploymentConfig };
  }
  return name === '' ? bare : { apiVersion, kind, name };
}

/**
 * The pod's identity in metrics. The order of labels is Istio's, for its canonical service and revision. The labels are
 * read only when the pod is injected.
 */
export function serviceOf(view: PodView, workload: Workload): ServiceIdentity {
  const first = (...keys: string[]): string | undefined => {
    for (const key of keys) {
      const value = stringMember(view.labels, key);
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  };
  return {
    name: first(names.canonicalName, names.applicationName, 'app') ?? workload.name,
    revision: first(names.canonicalRevision, names.applicationVersion, 'version') ?? 'latest',
    app: first('app') ?? 'unknown',
    version: first('version') ?? 'unknown',
  };
}

/** The workload of a pod: `known` if given, else derived from the pod. `name` replaces its name. */
export function namedWorkload(view: PodView, known: Workload | undefined, name: string | undefined): Workload {
  const workload = known ?? workloadOf(view);
  return name === undefined ? workload : { ...workload, name };
}
