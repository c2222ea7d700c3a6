import { expect, test } from '@jest/globals';
import { drawCalls, readCalls } from '../../../scripts/demo/calls.ts';

const series = (labels: Record<string, string>, count: number): string =>
  `istio_requests_total{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}} ${count}`;

const byCatalog = {
  reporter: 'destination',
  source_workload: 'frontend',
  source_principal: 'spiffe://cluster.local/ns/shop/sa/frontend',
  destination_workload: 'catalog',
  connection_security_policy: 'mutual_tls',
};
const fromOutside = {
  reporter: 'destination',
  source_workload: 'unknown',
  source_principal: 'unknown',
  destination_workload: 'frontend',
  connection_security_policy: 'none',
};

test('a page tells who has called, each caller once', () => {
  const page = [
    '# TYPE istio_requests_total counter',
    series({ ...byCatalog, response_code: '200' }, 19),
    series({ ...byCatalog, response_code: '503' }, 1),
    series({ ...byCatalog, reporter: 'source' }, 7),
    series(fromOutside, 20),
  ].join('\n');
  expect(readCalls(page)).toEqual([
    { from: 'frontend', to: 'catalog', requests: 20, identity: 'spiffe://cluster.local/ns/shop/sa/frontend' },
    { from: 'unknown', to: 'frontend', requests: 20, identity: undefined },
  ]);
});

test('the picture has each service below its caller, and ends where calls go in a circle', () => {
  const call = (from: string, to: string, identity?: string) => ({ from, to, requests: 3, identity });
  expect(
    drawCalls([call('catalog', 'cart', 'c'), call('unknown', 'frontend'), call('frontend', 'catalog', 'f')]),
  ).toEqual([
    'somebody without a certificate',
    '└─ 3 requests ─> frontend   (plain text)',
    '   └─ 3 requests ─> catalog   (mutual TLS, certificate f)',
    '      └─ 3 requests ─> cart   (mutual TLS, certificate c)',
  ]);
  expect(drawCalls([call('unknown', 'a'), call('a', 'b'), call('b', 'a')])).toEqual([
    'somebody without a certificate',
    '└─ 3 requests ─> a   (plain text)',
    '   └─ 3 requests ─> b   (plain text)',
    '      └─ 3 requests ─> a   (plain text)',
  ]);
});
