import { expect, test } from '@jest/globals';
import { resolveBase } from '../../../src/settings/effective.ts';
import { readPodSettings } from '../../../src/settings/pod-settings.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const name = 'proxy.istio.io/config';
const base = resolveBase(snapshotOf().settings, undefined);

function read(metadata: object, more: Record<string, string> = {}) {
  const annotations = { [name]: JSON.stringify({ proxyMetadata: metadata }), ...more };
  return readPodSettings({ annotations, labels: undefined }, base, []);
}

test.each<[object, object]>([
  [{ ISTIO_OUTBOUND_OWNER_GROUPS: '2000,java' }, { includeOutboundGroups: ['2000', 'java'] }],
  [{ ISTIO_OUTBOUND_OWNER_GROUPS: '*' }, { includeOutboundGroups: 'all' }],
  [{ ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE: '888' }, { excludeOutboundGroups: ['888'] }],
  [{ INVALID_DROP: 'true' }, { dropInvalidPackets: true }],
  [{ DROP_INVALID: '1' }, { dropInvalidPackets: true }],
  [{ ISTIO_META_DNS_CAPTURE: 'false', REDIRECT_DNS: '0' }, {}],
])('%j changes the capture', (metadata, changes) => {
  const { effective, problems, warnings } = read(metadata);
  expect([problems, warnings]).toEqual([[], []]);
  expect(effective.capture).toEqual({ ...base.capture, ...changes });
});

test.each([
  [
    { ISTIO_META_DNS_CAPTURE: 'true' },
    'proxyMetadata.ISTIO_META_DNS_CAPTURE is not supported: the proxy has no DNS server that would answer captured queries; leave it out',
  ],
  [{ REDIRECT_DNS: 'true' }, expect.stringContaining('REDIRECT_DNS is not supported: ')],
  [{ INVALID_DROP: 'maybe' }, 'proxyMetadata.INVALID_DROP: "maybe" is not allowed; allowed: true, false'],
  [
    { ISTIO_OUTBOUND_OWNER_GROUPS: 'a b' },
    expect.stringContaining('ISTIO_OUTBOUND_OWNER_GROUPS: "a b" is not allowed'),
  ],
  [{ INVALID_DROP: true }, 'proxyMetadata.INVALID_DROP: must be a string: quote it'],
])('%j denies the pod', (metadata, message) => {
  expect(read(metadata).problems).toEqual([{ where: name, message }]);
});

test('variables of an agent give one warning', () => {
  expect(read({ ISTIO_META_CLUSTER_ID: 'a', __proto__x: 'b', BOOTSTRAP_XDS_AGENT: 'true' }).warnings).toEqual([
    'annotation "proxy.istio.io/config": proxyMetadata "ISTIO_META_CLUSTER_ID", "__proto__x", "BOOTSTRAP_XDS_AGENT" has no effect here: there is no agent beside the proxy',
  ]);
});

test('annotations of their own win', () => {
  const own = { 'sidecar-injector.io/includeOutboundGroups': '5' };
  expect(read({ ISTIO_OUTBOUND_OWNER_GROUPS: '6' }, own).effective.capture.includeOutboundGroups).toEqual(['5']);
});
