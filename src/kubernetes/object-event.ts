import type { JsonObject } from '../json/json.ts';
import { pathSegment, type ApiClient } from './client.ts';

/** An Event about an object (`events.k8s.io/v1`). */
export interface ObjectEvent {
  /** That of the object, or `default` if it has none: the API server refuses others. */
  readonly namespace: string;
  /** Its name, or the beginning of one to which the API server adds. */
  readonly name: { readonly name: string } | { readonly generateName: string };
  readonly time: Date;
  /** Which program says so, such as `sidecar-injector.io/mesh`. */
  readonly controller: string;
  /** Which replica of it. */
  readonly replica: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  /** Cut where it is longer than the API server takes. */
  readonly note: string;
  /** ObjectReference of the object. */
  readonly regarding: JsonObject;
}

/** The API server's limit, in bytes. */
const longestNote = 1_024;

/** A text of at most so many bytes, without half a character at its end. */
function cut(text: string): string {
  if (Buffer.byteLength(text) <= longestNote) return text;
  return Buffer.from(text)
    .subarray(0, longestNote - 3)
    .toString('utf8')
    .replace(/\uFFFD$/, '')
    .concat('…');
}

/** Creates an Event. Rejects with an `ApiError`, a conflict if there is one of that name. */
export async function createEvent(client: Pick<ApiClient, 'post'>, event: ObjectEvent): Promise<void> {
  const { namespace, name, time, controller, replica, type, reason, action, note, regarding } = event;
  await client.post(`/apis/events.k8s.io/v1/namespaces/${pathSegment('namespace', namespace)}/events`, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { ...name, namespace },
    // The API wants microseconds.
    eventTime: `${time.toISOString().slice(0, -1)}000Z`,
    reportingController: controller,
    reportingInstance: replica,
    type,
    reason,
    action,
    note: cut(note),
    regarding,
  });
}
