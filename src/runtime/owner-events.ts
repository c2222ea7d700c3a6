import { createHash } from 'node:crypto';
import { collectionOf } from '../audit/owner-path.ts';
import { ownerKey, type Owner } from '../audit/pod-record.ts';
import { objectMember, stringMember } from '../json/json.ts';
import { isApiError, messageOf } from '../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../kubernetes/client.ts';
import { createEvent, type ObjectEvent } from '../kubernetes/object-event.ts';
import type { Log } from '../telemetry/log.ts';

/** An Event about the owner of pods. */
export interface OwnerNotice extends Pick<ObjectEvent, 'type' | 'reason' | 'action' | 'note'> {
  readonly owner: Owner;
  /** A notice with the same text here is one: replicas that say it at the same time create one Event. */
  readonly identity: string;
}

/** Who creates Events. */
export interface EventSource {
  readonly client: Pick<ApiClient, 'post'>;
  /** Name of the program, such as `sidecar-injector.io/auditor`. */
  readonly controller: string;
  readonly replica: string;
  readonly clock: () => Date;
  readonly log: Log;
}

/** Returns the owner with its uid, if its pods do not name it; kubectl describe shows only Events with it. Never rejects. */
export async function withUid(client: Pick<ApiClient, 'get'>, owner: Owner): Promise<Owner> {
  const collection = collectionOf(owner);
  if (owner.uid !== undefined || collection === undefined) return owner;
  try {
    const { body } = await client.get(`${collection}/${pathSegment('owner', owner.name)}`);
    return { ...owner, uid: stringMember(objectMember(body, 'metadata'), 'uid') };
  } catch {
    // Without the right, or with the owner gone, the Event is found by the name.
    return owner;
  }
}

/** Creates an Event in the owner's namespace. Never rejects; what went wrong is logged. */
export async function tellOwner(notice: OwnerNotice, source: EventSource): Promise<'created' | 'failed'> {
  const { owner, identity, type, reason, action, note } = notice;
  const { client, controller, replica, clock, log } = source;
  const hash = createHash('sha256')
    .update(`${ownerKey(owner)} ${identity}`)
    .digest('hex')
    .slice(0, 16);
  const { namespace, apiVersion, kind, name, uid } = owner;
  try {
    await createEvent(client, {
      namespace,
      name: { name: `${name.slice(0, 200).replace(/[.-]+$/, '')}.${hash}` },
      time: clock(),
      controller,
      replica,
      type,
      reason,
      action,
      note,
      regarding: { apiVersion, kind, namespace, name, ...(uid !== undefined && { uid }) },
    });
    return 'created';
  } catch (error) {
    // Another replica was first.
    if (isApiError(error, 'conflict')) return 'created';
    log.warn({ owner: `${namespace}/${kind}/${name}`, reason, detail: messageOf(error) }, 'an Event was not created');
    return 'failed';
  }
}
