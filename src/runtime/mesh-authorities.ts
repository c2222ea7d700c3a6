import type { KeyedCertificate } from '../certs/authority.ts';
import { dayMs, minuteMs } from '../certs/durations.ts';
import { createCaStore } from '../kubernetes/ca-store.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { publishRoots } from '../kubernetes/roots-publisher.ts';
import { checkAuthority, ensureAuthority } from '../mesh/identity/authority-secret.ts';
import type { Log } from '../telemetry/log.ts';

/** Names of the objects that the manifest has, empty. */
const objects = {
  controlPlane: 'sidecar-injector-mesh-control-plane',
  mesh: 'sidecar-injector-mesh-root',
  roots: 'sidecar-injector-mesh-roots',
} as const;

/** Pods carry the first of them for as long as they live. */
const lifetimeMs = { controlPlane: 3_650 * dayMs, mesh: 365 * dayMs } as const;

/** The authorities of a control plane, which all its replicas share. */
export interface Authorities {
  /** That of the control plane itself. */
  readonly controlPlane: KeyedCertificate;
  /** That of the certificates of workloads. */
  readonly mesh: KeyedCertificate;
  /** Tells injectors the root of the control plane. Rejects if the ConfigMap for it does not exist or cannot be written. */
  publish(): Promise<'same' | 'written'>;
  /** Returns what is wrong with the Secrets now, as sentences. */
  problems(): Promise<readonly string[]>;
}

/** Reads the authorities out of their Secrets, and fills those that are empty. Rejects with a sentence for people. */
export async function openAuthorities(
  client: ApiClient,
  { namespace, clock }: { readonly namespace: string; readonly clock: () => Date },
): Promise<Authorities> {
  const storeOf = (of: keyof typeof lifetimeMs) => createCaStore(client, { namespace, name: objects[of] });
  const ensure = (of: keyof typeof lifetimeMs, name: string): Promise<KeyedCertificate> =>
    ensureAuthority(storeOf(of), { secret: objects[of], name, lifetimeMs: lifetimeMs[of], clock });
  const [controlPlane, mesh] = await Promise.all([
    ensure('controlPlane', 'sidecar-injector-control-plane'),
    ensure('mesh', 'sidecar-injector-mesh'),
  ]);

  async function problemOf(of: keyof typeof lifetimeMs, authority: KeyedCertificate): Promise<readonly string[]> {
    try {
      await checkAuthority(storeOf(of), { secret: objects[of], authority, now: clock() });
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  return {
    controlPlane,
    mesh,
    async publish() {
      const result = await publishRoots(client, { namespace, name: objects.roots }, controlPlane.certificate);
      if (result !== 'missing') return result;
      throw new Error(`the ConfigMap ${objects.roots} does not exist: apply the manifest that holds it`);
    },
    async problems() {
      const found = await Promise.all([problemOf('controlPlane', controlPlane), problemOf('mesh', mesh)]);
      return found.flat();
    },
  };
}

/**
 * Looks after the authorities every minute: roots that somebody has edited are put back, and what is wrong with the objects is
 * logged once. Whatever happens to them, a replica goes on with what it has. Returns a function that ends it.
 */
export function watchAuthorities(
  { publish, problems }: Pick<Authorities, 'publish' | 'problems'>,
  log: Log,
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
      log.error({ problems: found }, 'the authorities of the mesh are not as they were');
    known = text;
  }
  return every(minuteMs, () => void look());
}
