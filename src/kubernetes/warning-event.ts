import type { JsonObject } from '../json/json.ts';
import { pathSegment, type ApiClient } from './client.ts';

/** An Event that warns of an object (`events.k8s.io/v1`). */
export interface WarningEvent {
  readonly namespace: string;
  /** Its name, or the beginning of one to which the API server adds. */
  readonly name: { readonly name: string } | { readonly generateName: string };
  readonly time: Date;
  /** Which replica of the control plane says so. */
  readonly replica: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  /** ObjectReference of the object. */
  readonly regarding: JsonObject;
}

/** Creates an Event of the control plane. Rejects with an `ApiError`, a conflict if there is one of that name. */
export async function createWarningEvent(client: Pick<ApiClient, 'post'>, event: WarningEvent): Promise<void> {
  const { namespace, name, time, replica, reason, action, note, regarding } = event;
  await client.post(`/apis/events.k8s.io/v1/namespaces/${pathSegment('namespace', namespace)}/events`, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { ...name, namespace },
    // The API wants microseconds.
    eventTime: `${time.toISOString().slice(0, -1)}000Z`,
    reportingController: 'sidecar-injector.io/mesh',
    reportingInstance: replica,
    type: 'Warning',
    reason,
    action,
    note,
    regarding,
  });
}
