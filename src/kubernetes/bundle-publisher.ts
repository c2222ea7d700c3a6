import { sameCertificates } from '../certs/bundle.ts';
import type { BundlePublisher } from '../certs/stores.ts';
import { isObject, type JsonObject, member, objectMember, stringMember } from '../json/json.ts';
import { isApiError } from './api-error.ts';
import { type ApiClient, pathSegment } from './client.ts';
import { entrySuffix, webhookConfigurationName } from './names.ts';

interface Entry {
  readonly index: number;
  readonly name: string;
  readonly bundle: string | undefined;
}

/** Kinds of configurations of webhooks. */
export type WebhookKind = 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';

/** Path of a configuration of webhooks (admissionregistration.k8s.io/v1). */
export function webhookConfigurationPath(name: string, kind: WebhookKind = 'MutatingWebhookConfiguration'): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s/${pathSegment(kind, name)}`;
}

/**
 * Reads and writes the CA bundles of our entries in one configuration of webhooks. Needs `get` and `patch` on this
 * object.
 *
 * Writes with a JSON Patch that contains a `test` on each entry's name. Server-side apply would make the installer's
 * own apply fail once it removes or renames an entry, and replacing the whole object would undo a concurrent change.
 */
export function createBundlePublisher(
  client: ApiClient,
  options: { readonly name?: string; readonly kind?: WebhookKind } = {},
): BundlePublisher {
  const path = webhookConfigurationPath(options.name ?? webhookConfigurationName, options.kind);

  return {
    async read() {
      try {
        const { body } = await client.get(path);
        return ourEntries(body).map(({ name, bundle }) => ({ entry: name, bundle }));
      } catch (error) {
        if (isApiError(error, 'not-found')) return undefined;
        throw error;
      }
    },
    async publish(bundlePem) {
      try {
        const { body } = await client.get(path);
        const drifted = ourEntries(body).filter(({ bundle }) => !sameCertificates(bundle, bundlePem));
        if (drifted.length === 0) return 'written';
        const value = Buffer.from(bundlePem, 'utf8').toString('base64');
        const operations = drifted.flatMap(({ index, name }) => [
          { op: 'test', path: `/webhooks/${index}/name`, value: name },
          { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value },
        ]);
        await client.patch(path, operations);
        return 'written';
      } catch (error) {
        if (isApiError(error, 'not-found')) return 'missing';
        // Status 422 is a failed `test` operation: the entries moved between the read and the write.
        if (isApiError(error, 'conflict', 'invalid')) return 'conflict';
        throw error;
      }
    },
  };
}

function ourEntries(configuration: JsonObject): readonly Entry[] {
  const webhooks = member(configuration, 'webhooks');
  if (!Array.isArray(webhooks)) return [];
  return webhooks.flatMap((webhook: unknown, index): readonly Entry[] => {
    if (!isObject(webhook)) return [];
    const name = stringMember(webhook, 'name');
    if (name === undefined || !name.endsWith(entrySuffix)) return [];
    const encoded = stringMember(objectMember(webhook, 'clientConfig'), 'caBundle');
    const bundle =
      encoded === undefined || encoded === '' ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
    return [{ index, name, bundle }];
  });
}
