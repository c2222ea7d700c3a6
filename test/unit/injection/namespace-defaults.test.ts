import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { withNamespaces, type Snapshot } from '../../../src/injection/snapshot.ts';
import { readFacts, relevantFacts } from '../../../src/injection/namespace-facts.ts';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { namespaceDefaults } from '../../../src/settings/namespace-defaults.ts';
import { podWith, type PodParts } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { istiodSnapshot } from '../../support/processes/istiod.ts';

const on = { 'sidecar-injector.io/defaults': 'true' };

/** The snapshot of a webhook whose watch has seen this namespace. */
function watching(annotations: Record<string, string>, snapshot: Snapshot): Snapshot {
  const facts = relevantFacts(readFacts({ metadata: { annotations } }));
  return withNamespaces(snapshot, new Map(facts === undefined ? [] : [['shop', facts]]));
}

function decideIn(annotations: Record<string, string>, parts: PodParts = {}, snapshot = snapshotOf()) {
  return decide({ pod: podWith(parts), namespace: 'shop' }, watching(annotations, snapshot));
}

const effectiveIn = (...args: Parameters<typeof decideIn>) => decideIn(...args).added?.effective;

describe('annotations of a namespace that says so', () => {
  const given = { ...on, 'sidecar.istio.io/proxyCPU': '77m', 'traffic.sidecar.istio.io/excludeOutboundPorts': '5432' };

  test('are defaults for its pods', () => {
    const effective = effectiveIn(given);
    expect(effective?.proxy.resources.requests['cpu']).toBe('77m');
    expect(effective?.capture.excludeOutboundPorts).toEqual([{ first: 5432, last: 5432 }]);
    expect(decideIn(given).warnings).toEqual([]);
  });

  test('give the pod what its own annotations would', () => {
    const { 'sidecar-injector.io/defaults': _, ...annotations } = given;
    const [byNamespace, byPod] = [decideIn(given), decideIn({}, { annotations })];
    expect(byNamespace.added).toEqual(byPod.added);
    expect(byNamespace.capture).toEqual(byPod.capture);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    [
      'a single one',
      { 'sidecar.istio.io/interceptionMode': 'REDIRECT' },
      { 'sidecar.istio.io/interceptionMode': 'NONE' },
    ],
    [
      'its ProxyConfig',
      { 'sidecar.istio.io/interceptionMode': 'REDIRECT' },
      { 'proxy.istio.io/config': '{"interceptionMode": "NONE"}' },
    ],
  ])('stand below what the pod says: %s', (_what, defaults, annotations) => {
    expect(effectiveIn({ ...on, ...defaults }, { annotations })?.capture.mode).toBe('NONE');
  });

  test('stand above the profile of the pod', () => {
    const snapshot = snapshotOf({ profiles: [{ name: 'all', namespaces: ['*'], logLevel: 'error' }] });
    expect(effectiveIn({ ...on, 'sidecar.istio.io/logLevel': 'info' }, {}, snapshot)?.proxy.logLevel).toBe('info');
  });

  test('count when the pod is seen again with another container', () => {
    const probing = (annotations: Record<string, string>): string[] => {
      const snapshot = watching(annotations, snapshotOf());
      const injected = applyToValue(podWith(), decide({ pod: podWith(), namespace: 'shop' }, snapshot).operations);
      const later = { name: 'later', image: 'later:1', readinessProbe: { httpGet: { port: 8080 } } };
      const pod = applyToValue(injected, [{ op: 'add', path: '/spec/containers/-', value: later }]) as JsonObject;
      return decide({ pod, namespace: 'shop' }, snapshot).operations.map(({ path }) => path);
    };
    const rewritten = expect.stringContaining('readinessProbe');
    expect(probing({})).toContainEqual(rewritten);
    expect(probing({ ...on, 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' })).not.toContainEqual(rewritten);
  });
});

test.each([
  [{}, []],
  [{ 'sidecar-injector.io/defaults': 'false' }, []],
  [
    { 'sidecar-injector.io/defaults': 'yes' },
    [
      'sidecar-injector: namespace annotation "sidecar-injector.io/defaults" has no effect: "yes" is not allowed; allowed: true, false',
    ],
  ],
])('a namespace with %j has no defaults', (more, warnings) => {
  const decision = decideIn({ 'sidecar.istio.io/proxyCPU': '77m', ...more });
  expect(decision.added?.effective?.proxy.resources.requests['cpu']).toBe('100m');
  expect(decision.warnings).toEqual(warnings);
});

describe('what a namespace sets wrongly is left out, and its pods are created', () => {
  const good = { ...on, 'sidecar.istio.io/logLevel': 'info' };

  test.each<[string, Record<string, string>, object, RegExp]>([
    [
      'an invalid value',
      { 'sidecar.istio.io/proxyCPU': 'much' },
      {},
      /"sidecar\.istio\.io\/proxyCPU" has no effect: "much"/,
    ],
    [
      'an image that is not allowed',
      { 'sidecar.istio.io/proxyImage': 'x' },
      {},
      /proxyImage" has no effect: "x" is not allowed/,
    ],
    [
      'above the cap of the profile',
      { 'sidecar.istio.io/proxyCPU': '2' },
      { caps: { cpu: '500m' } },
      /proxyCPU" has no effect: "2" is above the profile's cap; allowed: at most 500m/,
    ],
    [
      'what is captured, which the profile fixes',
      { 'traffic.sidecar.istio.io/excludeOutboundPorts': '1' },
      { caps: { capture: 'fixed' } },
      /excludeOutboundPorts" has no effect: it changes what is captured/,
    ],
    [
      'whether probes pass the rules, which the profile fixes',
      { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' },
      { caps: { capture: 'fixed' } },
      /rewriteAppHTTPProbers" has no effect: it changes what is captured/,
    ],
    ['what only a pod may say', { 'sidecar.istio.io/inject': 'false' }, {}, /inject" is no default for pods/],
    ['a misspelt one', { 'sidecar.istio.io/proxyCPUs': '1' }, {}, /proxyCPUs" is no default for pods/],
    ['a parameter of a sidecar', { 'x.sidecar-injector.io/host': 'y' }, {}, /host" is no default for pods/],
  ])('%s', (_what, wrong, fields, warning) => {
    const snapshot = snapshotOf({ profiles: [{ name: 'all', namespaces: ['*'], ...fields }] });
    const { outcome, warnings, added } = decideIn({ ...good, ...wrong }, {}, snapshot);
    expect(outcome).toBe('inject');
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    const plain = decideIn(good, {}, snapshot).added;
    expect(added).toEqual(plain);
    expect(added?.effective?.proxy.logLevel).toBe('info');
  });
});

test('in mode istiod they have no effect, and a warning says so', () => {
  const given = { ...on, 'sidecar.istio.io/proxyCPU': '77m' };
  const [with_, without] = [decideIn(given, {}, istiodSnapshot()), decideIn({}, {}, istiodSnapshot())];
  expect(with_.operations).toEqual(without.operations);
  expect(with_.warnings).toContain(
    'sidecar-injector: namespace annotation "sidecar-injector.io/defaults" has no effect in the mode istiod',
  );
});

test('no annotation that decides whether a pod is injected, or that the injector writes, is a default', () => {
  const elsewhere = annotationTable.filter(({ apply }) => apply === undefined).map(({ name }) => name);
  expect(elsewhere.filter((name) => namespaceDefaults.has(name))).toEqual([]);
  expect(namespaceDefaults.size).toBeGreaterThan(35);
});
