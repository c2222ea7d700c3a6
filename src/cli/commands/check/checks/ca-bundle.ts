import { parseBundle, sameCertificates } from '../../../../certs/bundle.ts';
import { parseCaSecret, trustBundle } from '../../../../certs/ca-secret.ts';
import { dayMs } from '../../../../certs/durations.ts';
import { createBundlePublisher } from '../../../../kubernetes/bundle-publisher.ts';
import { createCaStore } from '../../../../kubernetes/ca-store.ts';
import type { Cluster } from '../cluster.ts';
import { good, skipped, type Check } from '../finding.ts';

/** A self-managed CA is replaced after half of its year, so that one that is nearer to its end is not being replaced. */
const soonMs = 30 * dayMs;

/** What is wrong with one bundle. */
function faultsOf(entry: string, bundle: string | undefined, now: Date): string[] {
  if (bundle === undefined) return [`entry ${entry} has no CA bundle`];
  const { certificates, problem } = parseBundle(bundle);
  if (certificates === undefined) return [`entry ${entry}: ${problem}`];
  if (certificates.some(({ validToDate }) => validToDate > now)) return [];
  return [`entry ${entry}: every certificate of its CA bundle has expired`];
}

/** The end of what is valid longest, as far as it is near. */
function endings(entry: string, bundle: string | undefined, now: Date): string[] {
  const ends = (parseBundle(bundle ?? '').certificates ?? []).map(({ validToDate }) => validToDate.getTime());
  const last = Math.max(...ends, 0);
  if (last - now.getTime() > soonMs || last <= now.getTime()) return [];
  return [`entry ${entry}: the last certificate of its CA bundle expires on ${new Date(last).toISOString()}`];
}

async function comparedWithSecret(cluster: Cluster, bundle: string | undefined): Promise<string[]> {
  const found = await cluster.deployed();
  if (typeof found === 'string' || !(await cluster.isSelfManaged())) return [];
  const stored = await createCaStore(cluster.client, { namespace: found.namespace }).read();
  if (stored === undefined) return [`there is no Secret ${found.namespace}/sidecar-injector-ca`];
  const parsed = parseCaSecret(stored.data);
  if (parsed.kind === 'empty') return [`Secret ${found.namespace}/sidecar-injector-ca has no CA yet`];
  if (parsed.kind === 'invalid') return [`Secret ${found.namespace}/sidecar-injector-ca: ${parsed.problem}`];
  if (sameCertificates(bundle, trustBundle(parsed.content))) return [];
  return [`the CA bundle is not that of Secret ${found.namespace}/sidecar-injector-ca`];
}

/** The API server trusts what the replicas' certificates are signed with, and will for some time. */
export const caBundleCheck: Check = {
  id: 'ca-bundle',
  title: 'the CA bundle is valid, and that of the CA Secret',
  async ask(cluster) {
    const entries = await createBundlePublisher(cluster.client).read();
    if (entries === undefined) return skipped('there is no registration');
    const hint = 'see the log of the replicas: they write the bundle within seconds, and say why they cannot';
    const faults = entries.flatMap(({ entry, bundle }) => faultsOf(entry, bundle, cluster.now));
    if (faults.length > 0) return { status: 'failed', lines: faults, hint };
    const different = await comparedWithSecret(cluster, entries[0]?.bundle);
    const [first] = entries;
    if (entries.some(({ bundle }) => !sameCertificates(bundle, first?.bundle))) {
      different.push('the entries have different CA bundles');
    }
    if (different.length > 0) return { status: 'failed', lines: different, hint };
    const soon = entries.flatMap(({ entry, bundle }) => endings(entry, bundle, cluster.now));
    return soon.length === 0 ? good() : { status: 'warning', lines: soon, hint: 'renew it: see certs/README.md' };
  },
};
