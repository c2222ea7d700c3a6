import { dayMs } from '../certs/durations.ts';
import { objectMember, stringMember } from '../json/json.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../kubernetes/client.ts';
import { createEvent } from '../kubernetes/object-event.ts';
import type { Log } from '../telemetry/log.ts';

/** How long before its end an authority is told of. One that is replaced by itself never comes so close. */
const aheadMs = 30 * dayMs;

/** Tells that authorities end. */
export interface ExpiryNotice {
  /** Says so in the log and as an Event of the Secret, once a day, if its authority ends soon. Never rejects. */
  look(secret: string, notAfter: Date, now: Date): Promise<void>;
}

/** Creates it. Replicas create the same Event, so that there is one a day. */
export function createExpiryNotice(
  client: Pick<ApiClient, 'get' | 'post'>,
  { namespace, replica, log }: { readonly namespace: string; readonly replica: string; readonly log: Log },
): ExpiryNotice {
  const told = new Map<string, string>();
  return {
    async look(secret, notAfter, now) {
      if (notAfter.getTime() - now.getTime() > aheadMs) return;
      const [ends, day = ''] = [notAfter.toISOString(), now.toISOString().split('T')[0]];
      if (told.get(secret) === day) return;
      told.set(secret, day);
      const note = `the authority in this Secret ends on ${ends}: certificates that it has signed end then`;
      log.warn({ secret, expires: ends }, 'an authority of the mesh ends soon');
      try {
        const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/secrets/${pathSegment('Secret', secret)}`;
        const uid = stringMember(objectMember((await client.get(path)).body, 'metadata'), 'uid');
        await createEvent(client, {
          namespace,
          name: { name: `${secret}.expires.${day}` },
          time: now,
          controller: 'sidecar-injector.io/mesh',
          replica,
          type: 'Warning',
          reason: 'AuthorityExpires',
          action: 'Watch',
          note,
          regarding: { apiVersion: 'v1', kind: 'Secret', namespace, name: secret, ...(uid !== undefined && { uid }) },
        });
      } catch (error) {
        // Another replica was first.
        if (isApiError(error, 'conflict')) return;
        log.warn({ secret, detail: String(error) }, 'an Event about an authority was not created');
      }
    },
  };
}
