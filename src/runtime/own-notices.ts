import type { Owner } from '../audit/pod-record.ts';
import { dayMs } from '../certs/durations.ts';
import type { CertificateEvent, CertificateEventCode } from '../certs/events.ts';
import { namespaceName, serviceName } from '../kubernetes/names.ts';
import type { OwnerNotice } from './owner-events.ts';

/** The Deployment of the shipped manifests. */
const own: Owner = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: namespaceName,
  name: serviceName,
  uid: undefined,
};

/** What is said of certificates: that the bundle was not what it should be, and what somebody has to mend. */
const told: ReadonlyMap<CertificateEventCode, Pick<OwnerNotice, 'type' | 'reason'>> = new Map([
  ['bundle-patched', { type: 'Normal', reason: 'CABundleWritten' }],
  ['webhook-missing', { type: 'Warning', reason: 'RegistrationMissing' }],
  ['webhook-conflict', { type: 'Warning', reason: 'CABundleConflict' }],
  ['secret-missing', { type: 'Warning', reason: 'SecretMissing' }],
  ['secret-invalid', { type: 'Warning', reason: 'SecretInvalid' }],
  ['pair-invalid', { type: 'Warning', reason: 'CertificateInvalid' }],
  ['self-check-failed', { type: 'Warning', reason: 'SelfCheckFailed' }],
] as const);

/** How long before its end a certificate is told of: it should have been renewed long ago. */
const aheadMs = dayMs;

/** Returns what an Event on our Deployment says of a certificate event; undefined for most. */
export function certificateNotice({ code, detail }: CertificateEvent, now: Date): OwnerNotice | undefined {
  const kind = told.get(code);
  if (kind === undefined) return undefined;
  // Replicas that see the same within an hour create one Event.
  const hour = now.toISOString().slice(0, 13);
  return { owner: own, identity: `${code} ${detail} ${hour}`, ...kind, action: 'Watch', note: detail };
}

/** Returns the warning of a certificate that ends soon; undefined while it does not. */
export function expiryNotice(notAfter: Date, now: Date): OwnerNotice | undefined {
  if (notAfter.getTime() - now.getTime() > aheadMs) return undefined;
  const day = now.toISOString().slice(0, 10);
  const note = `the certificate of a replica ends on ${notAfter.toISOString()}: after that, pods are refused`;
  const identity = `expires ${day}`;
  return { owner: own, identity, type: 'Warning', reason: 'CertificateExpires', action: 'Watch', note };
}

/** Returns the warning of files that are refused; undefined if none are. */
export function refusalNotice(problems: readonly string[], now: Date): OwnerNotice | undefined {
  if (problems.length === 0) return undefined;
  const note = `settings or sidecars are refused, the last good ones stay: ${problems.join('; ')}`;
  const identity = `refused ${now.toISOString().slice(0, 13)} ${problems.join('; ')}`;
  return { owner: own, identity, type: 'Warning', reason: 'SettingsRefused', action: 'Reload', note };
}
