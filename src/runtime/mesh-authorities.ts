import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import type { KeyedCertificate } from '../certs/authority.ts';
import { dayMs, minuteMs } from '../certs/durations.ts';
import { createCaStore } from '../kubernetes/ca-store.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { publishRoots } from '../kubernetes/roots-publisher.ts';
import { checkAuthority, ensureAuthority } from '../mesh/identity/authority-secret.ts';
import type { Log } from '../telemetry/log.ts';
import { createExpiryNotice } from './expiry-notice.ts';

/** Names of the objects that the manifest has, empty. */
const objects = { secret: 'sidecar-injector-mesh-control-plane', roots: 'sidecar-injector-mesh-roots' } as const;

/** Pods carry it for as long as they live. */
const lifetimeMs = 3_650 * dayMs;

/** The authority of the control plane itself, which all its replicas share. */
export interface OwnAuthority {
  readonly pair: KeyedCertificate;
  /** Tells injectors its root. Rejects if the ConfigMap for it does not exist or cannot be written. */
  publish(): Promise<'same' | 'written'>;
  /** Returns what is wrong with the Secret now, as sentences. */
  problems(): Promise<readonly string[]>;
  /** Says that it ends, if that is soon. Never rejects. */
  announceEnd(): Promise<void>;
}

/** Reads it out of its Secret, and fills an empty one. Rejects with a sentence for people. */
export async function openOwnAuthority(
  client: ApiClient,
  { namespace, clock, log }: { readonly namespace: string; readonly clock: () => Date; readonly log: Log },
): Promise<OwnAuthority> {
  const { secret } = objects;
  const store = createCaStore(client, { namespace, name: secret });
  const pair = await ensureAuthority(store, { secret, name: 'sidecar-injector-control-plane', lifetimeMs, clock });
  const notice = createExpiryNotice(client, { namespace, replica: hostname(), log });
  const { validToDate } = new X509Certificate(pair.certificate);
  return {
    pair,
    async publish() {
      const result = await publishRoots(client, { namespace, name: objects.roots }, pair.certificate);
      if (result !== 'missing') return result;
      throw new Error(`the ConfigMap ${objects.roots} does not exist: apply the manifest that holds it`);
    },
    async problems() {
      try {
        await checkAuthority(store, { secret, authority: pair, now: clock() });
        return [];
      } catch (error) {
        return [error instanceof Error ? error.message : String(error)];
      }
    },
    announceEnd: () => notice.look(secret, validToDate, clock()),
  };
}

/**
 * Looks after it every minute: roots that somebody has edited are put back, and what is wrong with the objects is logged once, and
 * counted. Whatever happens to them, a replica goes on with what it has. Returns a function that ends it.
 */
export function watchOwnAuthority(
  { publish, problems, announceEnd }: Pick<OwnAuthority, 'publish' | 'problems' | 'announceEnd'>,
  log: Log,
  count: (problems: number) => void,
  every: (milliseconds: number, action: () => void) => () => void,
): () => void {
  let known = '';

  async function putBack(): Promise<readonly string[]> {
    try {
      if ((await publish()) === 'written') log.warn('the published root certificates were changed, and are put back');
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  async function look(): Promise<void> {
    const found = [...(await problems())];
    // Else replicas that use different authorities would replace each other's roots for ever.
    if (found.length === 0) found.push(...(await putBack()));
    const text = found.join('; ');
    if (text !== known && text !== '')
      log.error({ problems: found }, 'the authority of the control plane is not as it was');
    known = text;
    count(found.length);
    await announceEnd();
  }
  return every(minuteMs, () => void look());
}
