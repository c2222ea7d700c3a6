import type { X509Certificate } from 'node:crypto';
import { parseBundle } from '../../../../certs/bundle.ts';
import { dayMs } from '../../../../certs/durations.ts';
import { createBundlePublisher } from '../../../../kubernetes/bundle-publisher.ts';
import { skipped, good, type Check } from '../finding.ts';
import { plural } from '../../../plural.ts';

/** A leaf lives for a week and is renewed after two thirds. */
const soonMs = dayMs;

/** What the API server would say of the certificate. */
function faultOf(pem: string, name: string, roots: readonly X509Certificate[], now: Date): string | undefined {
  const { certificates, problem } = parseBundle(pem);
  const [leaf, ...chain] = certificates ?? [];
  if (leaf === undefined) return `its certificate cannot be read: ${problem ?? ''}`;
  const { validFromDate, validToDate } = leaf;
  if (validFromDate > now) return `its certificate is valid only from ${validFromDate.toISOString()}`;
  if (validToDate <= now) return `its certificate expired on ${validToDate.toISOString()}`;
  if (leaf.checkHost(name, { subject: 'never' }) === undefined) return `its certificate is not for ${name}`;
  const isSigned = (one: X509Certificate, by: readonly X509Certificate[]): boolean =>
    by.some((issuer) => one.checkIssued(issuer) && one.verify(issuer.publicKey));
  // Files may hold intermediate certificates behind the leaf.
  const last = chain.reduce((below, above) => (isSigned(below, [above]) ? above : below), leaf);
  if (!isSigned(last, roots) && !isSigned(leaf, roots)) return 'its certificate is not signed by the CA bundle';
  return undefined;
}

/** Every replica presents a certificate that the API server verifies with the bundle of the registration. */
export const replicaCertificatesCheck: Check = {
  id: 'replica-certificates',
  title: 'the CA bundle verifies the certificate of every replica',
  async ask(cluster) {
    const found = await cluster.deployed();
    if (typeof found === 'string') return skipped(found);
    const replicas = await cluster.replicas();
    if (replicas.length === 0) return skipped('no replica runs');
    const entries = (await createBundlePublisher(cluster.client).read()) ?? [];
    const name = `${found.service}.${found.namespace}.svc`;
    const hint = 'see the log of the replica, and certs/README.md';
    const unknown = replicas.flatMap((one) => ('problem' in one ? [`${one.name}: ${one.problem}`] : []));
    const told = replicas.flatMap((one) => ('certificate' in one ? [one] : []));
    const faults = told.flatMap((replica) =>
      entries.flatMap(({ entry, bundle }) => {
        const fault = faultOf(replica.certificate, name, parseBundle(bundle ?? '').certificates ?? [], cluster.now);
        return fault === undefined ? [] : [`${replica.name}, entry ${entry}: ${fault}`];
      }),
    );
    if (faults.length > 0) return { status: 'failed', lines: [...faults, ...unknown], hint };
    if (unknown.length > 0) {
      const right = 'it needs the right to get pods/proxy, and replicas of this version';
      return { status: 'unknown', lines: unknown, hint: right };
    }
    const soon = told.flatMap((replica) => {
      const [leaf] = parseBundle(replica.certificate).certificates ?? [];
      const end = leaf?.validToDate ?? cluster.now;
      return end.getTime() - cluster.now.getTime() > soonMs ? [] : [`${replica.name}: expires on ${end.toISOString()}`];
    });
    return soon.length === 0 ? good(plural(told.length, 'replica')) : { status: 'warning', lines: soon, hint };
  },
};
