import { parseStatus } from '../../../../injection/patch/status.ts';
import { member, objectMember, type JsonObject } from '../../../../json/json.ts';
import { isApiError } from '../../../../kubernetes/api-error.ts';
import { pathSegment } from '../../../../kubernetes/client.ts';
import { annotationNames } from '../../../../pod/annotation-names.ts';
import { statusAnnotation } from '../../../../pod/conventions.ts';
import type { Cluster } from '../cluster.ts';
import { good, skipped, type Check, type Finding } from '../finding.ts';
import { probePod } from '../probe-pod.ts';

/** A namespace may refuse the pod for reasons of its own, such as a quota; then another is tried. */
const mostTries = 3;

/** What the API server would have stored; nothing captured, so that no level of Pod Security refuses it. */
async function tryIn(cluster: Cluster, namespace: string): Promise<JsonObject> {
  const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/pods?dryRun=All`;
  return (await cluster.client.post(path, probePod({ [annotationNames.interceptionMode]: 'NONE' }))).body;
}

function findingOf(pod: JsonObject, namespace: string): Finding {
  const written = member(objectMember(objectMember(pod, 'metadata'), 'annotations'), statusAnnotation);
  const status = written === undefined ? undefined : parseStatus(written);
  if (status !== undefined) return good(`in namespace ${namespace}, by settings ${status.settingsHash}`);
  const line = `a pod of namespace ${namespace} was created by dry run, and has no sidecar`;
  return { status: 'failed', lines: [line], hint: 'see what explain says of a pod there, and the log of the replicas' };
}

/** The API server really calls, and the answer is an injected pod: created by dry run, so that nothing is stored. */
export const dryRunCheck: Check = {
  id: 'dry-run',
  title: 'a pod of a labelled namespace is injected (by dry run)',
  async ask(cluster) {
    const namespaces = await cluster.selected();
    if (namespaces.length === 0) {
      return skipped('no namespace is labelled for injection: kubectl label namespace NAME istio-injection=enabled');
    }
    const refusals: string[] = [];
    for (const { name } of namespaces.slice(0, mostTries)) {
      try {
        return findingOf(await tryIn(cluster, name), name);
      } catch (error) {
        if (!isApiError(error, 'forbidden', 'invalid', 'refused', 'server-error')) throw error;
        // Without the right to create pods nothing was tried.
        if (error.message.includes('cannot create resource')) throw error;
        refusals.push(`namespace ${name}: ${error.message}`);
      }
    }
    return { status: 'failed', lines: refusals, hint: 'see "Pods cannot be created" in docs/operations.md' };
  },
};
