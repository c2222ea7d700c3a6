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

interface Options {
  readonly client: Pick<ApiClient, 'get' | 'post'>;
  readonly controller: string;
  readonly replica: string;
  readonly clock: () => Date;
  readonly log: Log;
}

/** Reads the uid of an owner that its pods do not name; kubectl describe shows only Events with it. */
async function uidOf(client: Options['client'], owner: Owner): Promise<string | undefined> {
  const collection = collectionOf(owner);
  if (owner.uid !== undefined || collection === undefined) return owner.uid;
  try {
    const { body } = await client.get(`${collection}/${pathSegment('owner', owner.name)}`);
    return stringMember(objectMember(body, 'metadata'), 'uid');
  } catch {
    // Without the right, or with the owner gone, the Event is found by the name.
    return undefined;
  }
}

/** Creates an Event in the owner's namespace. Never rejects; what went wrong is logged. */
export async function tellOwner(notice: OwnerNotice, options: Options): Promise<'created' | 'failed'> {
  const { owner, identity, type, reason, action, note } = notice;
  const { client, controller, replica, clock, log } = options;
  const hash = createHash('sha256')
    .update(`${ownerKey(owner)} ${identity}`)
    .digest('hex')
    .slice(0, 16);
  const { namespace, apiVersion, kind, name } = owner;
  try {
    const uid = await uidOf(client, owner);
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
