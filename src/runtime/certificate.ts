import { createAuthority, issueLeaf, localNames, serviceNames } from '../certs/authority.ts';
import { dayMs } from '../certs/durations.ts';
import { createDevSource } from '../certs/dev-source.ts';
import type { CertificateEvent } from '../certs/events.ts';
import { createFileSource } from '../certs/file-source.ts';
import { createManagedSource, type ManagedSourceOptions } from '../certs/managed-source.ts';
import { createSelfCheck } from '../certs/self-check.ts';
import type { CertificateSource } from '../certs/source.ts';
import { createBundlePublisher } from '../kubernetes/bundle-publisher.ts';
import { createCaStore } from '../kubernetes/ca-store.ts';
import type { ApiClient } from '../kubernetes/client.ts';
import { namespaceName, serviceName } from '../kubernetes/names.ts';
import type { KeyPair } from '../server/tls.ts';

/** The requested source of the server's certificate. */
export type CertificateChoice =
  | { readonly kind: 'files'; readonly certificateFile: string; readonly privateKeyFile: string }
  | { readonly kind: 'managed'; readonly pace?: Pick<ManagedSourceOptions, 'policy' | 'pollMs'> }
  | { readonly kind: 'dev'; readonly caFile: string };

export interface CertificateDependencies {
  readonly onEvent: (event: CertificateEvent) => void;
  /** Required for `managed`. */
  readonly client: ApiClient | undefined;
  /** The port on which the server listens. */
  port(): number;
}

/** Creates the requested source. Throws if `managed` has no client. */
export function createCertificateSource(
  choice: CertificateChoice,
  dependencies: CertificateDependencies,
): CertificateSource {
  const { onEvent, client } = dependencies;
  if (choice.kind === 'files') {
    return createFileSource({
      certificateFile: choice.certificateFile,
      privateKeyFile: choice.privateKeyFile,
      onEvent,
    });
  }
  if (choice.kind === 'dev') return createDevSource({ caFile: choice.caFile, onEvent });
  if (client === undefined) throw new Error('self-managed certificates need a connection to the API server');
  return createManagedSource({
    store: createCaStore(client),
    publisher: createBundlePublisher(client),
    names: serviceNames(serviceName, namespaceName),
    ...choice.pace,
    onEvent,
    verifyServing: async (bundle) => {
      const check = createSelfCheck({
        host: '127.0.0.1',
        port: dependencies.port(),
        servername: `${serviceName}.${namespaceName}.svc`,
      });
      await check(bundle);
    },
  });
}

/**
 * Creates a certificate that nothing trusts. It lets the server answer the kubelet's probes, which do not verify it,
 * while the CA of the cluster cannot be read yet; otherwise waiting for the API server would be a crash loop.
 */
export async function createPlaceholderPair(now: Date): Promise<KeyPair> {
  const authority = await createAuthority({ now, lifetimeMs: dayMs });
  return issueLeaf({ authority, names: localNames, now, lifetimeMs: dayMs });
}
