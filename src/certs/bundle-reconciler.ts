import { fingerprintsOf, holdsCertificates, sameCertificates } from './bundle.ts';
import type { BundlePublisher, PublishedBundle } from './stores.ts';
import type { Reporter } from './reporter.ts';
import { messageOf } from './error-message.ts';

/**
 * Reconciles the CA bundles of our entries in the webhook configuration. Its methods never reject; errors are reported.
 */
export interface BundleReconciler {
  /** Reads the webhook configuration. */
  refresh(): Promise<void>;
  /** Writes the bundle to every entry whose set of certificates differs, and reads the result back. */
  publish(wanted: string): Promise<void>;
  /** The bundles as last read; undefined before the first read and while the configuration does not exist. */
  live(): readonly PublishedBundle[] | undefined;
  /** Whether every entry, as last read, trusts the CA; true without entries, because nothing calls the webhook then. */
  trusts(certificate: string): boolean;
}

/** Creates a reconciler that has not read the webhook configuration yet. */
export function createBundleReconciler(options: {
  readonly publisher: BundlePublisher;
  readonly reporter: Reporter;
}): BundleReconciler {
  const { publisher, reporter } = options;
  let live: readonly PublishedBundle[] | undefined;

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      reporter.clear('api-unreachable', 'webhook configuration');
    } catch (error) {
      const why = messageOf(error);
      reporter.raise('api-unreachable', `the webhook configuration: ${why}`, 'webhook configuration');
    }
  }

  async function read(): Promise<void> {
    live = await publisher.read();
    if (live !== undefined && live.length > 0) {
      reporter.clear('webhook-missing');
      return;
    }
    const what = live === undefined ? 'does not exist' : 'has no entry of ours';
    reporter.raise('webhook-missing', `the webhook configuration ${what}; nobody calls us`);
  }

  return {
    refresh: () => guarded(read),
    publish: (wanted) =>
      guarded(async () => {
        if (live === undefined || live.length === 0) return;
        const drifted = live.filter(({ bundle }) => !sameCertificates(bundle, wanted));
        if (drifted.length === 0) return;
        const outcome = await publisher.publish(wanted);
        if (outcome === 'written') {
          const count = fingerprintsOf(wanted).size;
          const detail = `${drifted.map(describeDrift).join('; ')}; ${count} ${count === 1 ? 'CA' : 'CAs'} published`;
          reporter.report({ code: 'bundle-patched', detail });
        }
        if (outcome === 'conflict') {
          reporter.raise('webhook-conflict', 'the webhook configuration changed while the bundle was written');
        } else {
          reporter.clear('webhook-conflict');
        }
        await read();
      }),
    live: () => live,
    trusts: (certificate) => (live ?? []).every(({ bundle }) => holdsCertificates(bundle, certificate)),
  };
}

function describeDrift({ entry, bundle }: PublishedBundle): string {
  return `'${entry}' ${bundle === undefined ? 'had no bundle' : 'had another bundle'}`;
}
