import { objectMember, type JsonObject } from '../../../json/json.ts';
import { ownerOf, type Workload } from '../../manifests/workload.ts';

/** The API server wants one of every owner; nobody looks for the owner in a dry run. */
const someUid = '00000000-0000-0000-0000-000000000000';

/** Fields of metadata that a controller copies from a template. */
const copied = ['labels', 'annotations', 'finalizers'] as const;

/** A pod as the workload's controller would create it, without a name of its own, so that it clashes with none. */
export function newPodOf(workload: Workload, namespace: string): JsonObject {
  const { value } = workload.pod;
  const metadata = objectMember(value, 'metadata');
  const owner = ownerOf(workload);
  const name = workload.name === '' ? 'pod' : workload.name;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...Object.fromEntries(copied.flatMap((key) => (metadata?.[key] === undefined ? [] : [[key, metadata[key]]]))),
      generateName: `${name}-`,
      namespace,
      ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, uid: someUid, controller: true }] }),
    },
    spec: value['spec'] ?? {},
  };
}
