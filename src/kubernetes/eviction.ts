import { ApiError, isApiError } from './api-error.ts';
import { pathSegment, type ApiClient } from './client.ts';

/** What the API server made of an eviction. */
export type EvictionResult =
  | { readonly result: 'evicted' | 'gone' }
  /** A PodDisruptionBudget has no room now, or several select the pod. */
  | { readonly result: 'budget'; readonly detail: string };

/**
 * Evicts a pod with the Eviction API (`policy/v1`), which respects disruption budgets. Only the pod with this uid: another
 * one of its name stays. Rejects with an `ApiError`. Needs `create` on pods/eviction.
 */
export async function evictPod(
  client: Pick<ApiClient, 'post'>,
  { namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string },
): Promise<EvictionResult> {
  const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/pods/${pathSegment('pod', name)}/eviction`;
  try {
    await client.post(path, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace },
      deleteOptions: { preconditions: { uid } },
    });
    return { result: 'evicted' };
  } catch (error) {
    // Another pod has this name meanwhile (409), or none.
    if (isApiError(error, 'not-found', 'conflict')) return { result: 'gone' };
    const isFull = error instanceof ApiError && (error.statusCode === 429 || error.statusCode === 500);
    if (isFull && /disruption budget/i.test(error.message)) return { result: 'budget', detail: error.message };
    throw error;
  }
}
