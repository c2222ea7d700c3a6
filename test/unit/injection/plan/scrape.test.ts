import { describe, expect, test } from '@jest/globals';
import jsonPatch from 'fast-json-patch';
import { joinPatch } from '../../../../src/injection/patch/patch-text.ts';
import { undo } from '../../../../src/index.ts';
import { planScrape } from '../../../../src/injection/plan/scrape.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { decideOn, injectedPod, podWith } from '../../../support/builders/decisions.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';

const merging = snapshotOf({ proxy: { metrics: { merge: true } } });
const base = merging.bases.get('');
if (base === undefined) throw new Error('no base');

const ours = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': '15020',
  'prometheus.io/path': '/stats/prometheus',
};

function scrapeOf(annotations: JsonObject): unknown {
  const { annotations: all } = injectedPod(podWith({ annotations }), merging).metadata;
  return Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('prometheus')));
}

test.each<[string, JsonObject, readonly string[]]>([
  ['nothing is said', {}, []],
  ['a port and a path', { 'prometheus.io/port': '9102', 'prometheus.io/path': '/m' }, ['HTTP 9102 /m']],
  ['scrape alone', { 'prometheus.io/scrape': 'true' }, ['HTTP 80 /metrics']],
  ['an odd spelling', { 'prometheus.io.port': '9102', 'prometheus-io/path': '/m' }, ['HTTP 9102 /m']],
  ['two spellings', { 'prometheus.io.port': '1', 'prometheus.io/port': '9102' }, ['HTTP 9102 /metrics']],
  [
    'a list beside the usual one, without what is there twice',
    { 'prometheus.io/port': '9102', 'prometheus.istio.io/scrape-targets': '9102,9103:/m' },
    ['HTTP 9102 /metrics', 'HTTP 9103 /m'],
  ],
  ['a list alone', { 'prometheus.istio.io/scrape-targets': '9102, 9103:/m' }, ['HTTP 9102 /metrics', 'HTTP 9103 /m']],
  ['TLS', { 'prometheus.io/scheme': 'https', 'prometheus.io/port': '9102' }, ['HTTPS 9102 /metrics']],
])('the proxy asks the application: %s', (_, annotations, expected) => {
  const { targets, problems } = planScrape(annotations, base);
  expect(targets.map(({ scheme, port, path }) => `${scheme} ${port} ${path}`)).toEqual(expected);
  expect(problems).toEqual([]);
  expect(scrapeOf(annotations)).toMatchObject(ours);
});

describe('the annotations are left alone', () => {
  test.each<[string, JsonObject]>([
    ['when the pod is not to be scraped', { 'prometheus.io/scrape': 'false', 'prometheus.io/port': '9102' }],
    ['when they name the status port already', { 'prometheus.io/port': '15020', 'prometheus.io/path': '/x' }],
  ])('%s', (_, annotations) => {
    expect(scrapeOf(annotations)).toEqual(annotations);
  });

  test('when metrics are not merged, which is the default', () => {
    const annotations = { 'prometheus.io/port': '15090', 'prometheus.io/path': 'x' };
    expect(injectedPod(podWith({ annotations })).metadata.annotations).toMatchObject(annotations);
  });

  test('when there is no status port, and it is said', () => {
    const annotations = { 'status.sidecar.istio.io/port': '0', 'prometheus.io/port': '9102' };
    const decision = decideOn(podWith({ annotations }), merging);
    expect(decision.warnings.join()).toContain('metrics are not merged: there is no status port');
    expect(decision.patch).not.toContain('prometheus.io');
  });
});

describe('spellings that Prometheus takes for the same', () => {
  const annotations = { 'prometheus.io.port': '9102', 'prometheus_io/scrape': 'true', 'prometheus.io/path': '/m' };

  test('are gone after the injection', () => {
    expect(scrapeOf(annotations)).toEqual(ours);
  });

  test('are back after it is undone', () => {
    const pod = injectedPod(podWith({ annotations }), merging) as unknown as JsonObject;
    const { operations } = undo(pod) ?? { operations: [] };
    const bare = jsonPatch.applyPatch(structuredClone(pod), structuredClone(operations));
    expect(bare.newDocument).toEqual(podWith({ annotations }));
  });
});

test('a pod that is injected again still asks what its author said', () => {
  const annotations = { 'prometheus.io/port': '9102', 'prometheus.io/path': '/m' };
  const pod = injectedPod(podWith({ annotations }), merging);
  const probe = { httpGet: { port: 8080, path: '/' } };
  const late = { name: 'late', image: 'x', readinessProbe: probe };
  const grown = { ...pod, spec: { ...pod.spec, containers: [...pod.spec.containers, late] } };
  const patch = joinPatch(decideOn(grown as unknown as JsonObject, merging).patch);
  expect(patch).toContain('app-health/late/readyz');
  expect(patch).toContain('9102/m');
  expect(decideOn(pod as unknown as JsonObject, merging).operations).toEqual([]);
});
