import { describe, expect, test } from '@jest/globals';
import { rememberFragments, type RememberedFragments } from '../../../../src/injection/cache/fragments.ts';
import { createInjector } from '../../../../src/injection/injector.ts';
import type { Decision } from '../../../../src/injection/decision.ts';
import { parseStatus } from '../../../../src/injection/patch/status.ts';
import type { Snapshot } from '../../../../src/injection/snapshot.ts';
import { statusAnnotation } from '../../../../src/pod/conventions.ts';
import type { Json, JsonObject } from '../../../../src/json/json.ts';
import { decideOn, injectedPod, podWith } from '../../../support/builders/decisions.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';
import { templateObject } from '../../../support/builders/templates.ts';

const shipper = templateObject('shipper', {
  mode: 'classic',
  containers: [{ name: 'shipper', image: 'shipper:1' }],
  share: [{ path: '/logs', volume: { name: 'shipper-logs', emptyDir: {} }, with: [{ container: 'shipper' }] }],
});
const istiod = { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } };
const snapshots: Readonly<Record<string, Snapshot>> = {
  standalone: snapshotOf({}, { templates: [shipper] }),
  istiod: snapshotOf(istiod, { templates: [shipper] }),
};

/** A pod with a status that somebody wrote, of the current settings unless it says another hash. */
function forged(snapshot: Snapshot, status: JsonObject, spec: JsonObject = {}, labels: JsonObject = {}): JsonObject {
  const text = JSON.stringify({ settingsHash: snapshot.hash, version: '1', undo: {}, ...status });
  return podWith({ annotations: { [statusAnnotation]: text }, labels, spec });
}

const envoy: JsonObject = { name: 'istio-proxy', image: 'envoy:1', args: ['--config-yaml', '{}'] };
const app: JsonObject = { name: 'app', image: 'app:1' };

describe.each(Object.entries(snapshots))(
  'mode %s: a status that no injection of the pod can have written',
  (_mode, snapshot) => {
    const cases: readonly (readonly [what: string, status: JsonObject, spec: JsonObject, sentence: string])[] = [
      ['names nothing', {}, {}, 'names no sidecar'],
      ['names nothing, of other settings', { settingsHash: 'x' }, {}, 'names no sidecar'],
      [
        'names the sidecar alone',
        { templates: ['sidecar'] },
        {},
        'says that the proxy was injected, but does not name its container istio-proxy',
      ],
      [
        'names the sidecar alone, of other settings',
        { templates: ['sidecar'], settingsHash: 'x' },
        {},
        'says that the proxy was injected, but does not name its container istio-proxy',
      ],
      [
        'names what is not there',
        { templates: ['sidecar'], containers: ['istio-proxy'] },
        {},
        'says that "istio-proxy" was injected, but it is not there',
      ],
      [
        'names a container twice',
        { templates: ['sidecar'], containers: ['istio-proxy', 'istio-proxy'] },
        { containers: [app, envoy] },
        'names "istio-proxy" twice',
      ],
      [
        'names a sidecar twice',
        { templates: ['sidecar', 'shipper', 'shipper'], containers: ['istio-proxy'] },
        { containers: [app, envoy] },
        'names "shipper" twice',
      ],
      [
        'names a sidecar that does not exist',
        { templates: ['sidecar', 'nothing'], containers: ['istio-proxy'] },
        { containers: [app, envoy] },
        'names "nothing", which is no sidecar of the settings',
      ],
      [
        'names another sidecar than the pod is to have',
        { templates: ['shipper'], containers: ['shipper'] },
        { containers: [app, { name: 'shipper', image: 'shipper:1' }] },
        'does not name "sidecar", which the pod is to have',
      ],
    ];

    test.each(cases)('%s: refused, with what to do', (_what, status, spec, sentence) => {
      for (const labels of [{}, { 'sidecar.istio.io/inject': 'true' }]) {
        const decision = decideOn(forged(snapshot, status, spec, labels), snapshot);
        expect([decision.outcome, decision.reasons.map(({ code }) => code)]).toEqual(['deny', ['IncompleteInjection']]);
        expect(decision.reasons[0].message).toContain(`${statusAnnotation} ${sentence}`);
        expect(decision.reasons[0].message).toContain('take the annotation out');
      }
    });
  },
);

describe('mode standalone', () => {
  const snapshot = snapshots['standalone'] as Snapshot;
  const status = { templates: ['sidecar'], containers: ['istio-proxy'] };
  const decideWith = (proxy: JsonObject, more: JsonObject = {}): Decision =>
    decideOn(forged(snapshot, { ...status, ...more }, { containers: [app, proxy] }), snapshot);

  test.each<[string, JsonObject, JsonObject, string]>([
    ['a privileged proxy', { ...envoy, securityContext: { privileged: true } }, {}, 'but that is privileged'],
    ['a proxy of the pod’s own', { name: 'istio-proxy', image: 'evil:1' }, {}, 'has no configuration of ours'],
    [
      'a container of the application',
      envoy,
      { containers: ['istio-proxy', 'app'] },
      'names the container "app", which is none of its sidecars',
    ],
  ])('%s in the status is refused', (_what, proxy, more, sentence) => {
    const decision = decideWith(proxy, more);
    expect([decision.outcome, decision.operations]).toEqual(['deny', []]);
    expect(decision.reasons[0].code).toBe('IncompleteInjection');
    expect(decision.reasons[0].message).toContain(sentence);
  });

  test('an image that the settings do not name is said, in warning and audit', () => {
    const decision = decideWith({ ...envoy, image: 'evil:1' });
    expect([decision.outcome, decision.reasons.map(({ code }) => code)]).toEqual([
      'skip',
      ['AlreadyInjected', 'ForeignImage'],
    ]);
    // The pod has its sidecar: nothing says that it was not injected.
    expect(decision.warnings).toEqual([
      expect.stringMatching(/^sidecar-injector: container "istio-proxy" runs "evil:1" .* \(ForeignImage\)$/),
    ]);
  });

  test('the same where something is added', () => {
    const probed = { ...app, readinessProbe: { httpGet: { port: 8080 } } };
    const pod = forged(snapshot, status, { containers: [probed, { ...envoy, image: 'evil:1' }] });
    const decision = decideOn(pod, snapshot);
    expect([decision.outcome, decision.reasons.map(({ code }) => code)]).toEqual([
      'inject',
      ['ProbesAdded', 'ForeignImage'],
    ]);
    expect(decision.warnings).toEqual([expect.stringMatching(/"evil:1".* \(ForeignImage\)$/)]);
  });

  test('a rewritten image that the settings allow is not worth a word', () => {
    const allowing = snapshotOf({ proxy: { allowedImages: ['mirror.example/*'] } });
    const pod = structuredClone(injectedPod(podWith(), allowing)) as unknown as JsonObject & {
      spec: { initContainers: { image: string }[] };
    };
    for (const container of pod.spec.initContainers) container.image = `mirror.example/${container.image}`;
    const decision = decideOn(pod, allowing);
    expect([decision.reasons.map(({ code }) => code), decision.warnings]).toEqual([['AlreadyInjected'], []]);
  });

  test('a sidecar that may not be in the namespace is refused for that', () => {
    const elsewhere = templateObject('elsewhere', { namespaces: ['prod'], containers: [{ name: 'e', image: 'e:1' }] });
    const limited = snapshotOf({}, { templates: [elsewhere] });
    const pod = forged(
      limited,
      { templates: ['sidecar', 'elsewhere'], containers: ['istio-proxy', 'e'] },
      { containers: [app, envoy, { name: 'e', image: 'e:1' }] },
    );
    expect(decideOn(pod, limited).reasons.map(({ code }) => code)).toEqual(['TemplateNotAllowed']);
  });
});

test.each(Object.entries(snapshots))('mode %s: a status of other settings is said', (_mode, snapshot) => {
  const pod = forged(
    snapshot,
    { settingsHash: 'older', templates: ['sidecar'], containers: ['istio-proxy'] },
    { containers: [app, { name: 'istio-proxy', image: 'evil:1' }] },
  );
  const decision = decideOn(pod, snapshot);
  expect(decision.reasons.map(({ code }) => code)).toEqual(['OtherSettings']);
  expect(decision.warnings.join('\n')).toContain('injected with the settings "older"');
});

describe('what is no status of ours is left alone, and said', () => {
  test.each<[string, Json]>([
    ['no settings', JSON.stringify({ version: '1', undo: {}, templates: ['sidecar'] })],
    ['no version', JSON.stringify({ settingsHash: 'x', undo: {} })],
    ['no undo', JSON.stringify({ settingsHash: 'x', version: '1' })],
    [
      'longer than all annotations may be',
      JSON.stringify({ settingsHash: 'x'.repeat(262_144), version: '1', undo: {} }),
    ],
    ['a number', 7],
  ])('%s', (_what, value) => {
    expect(parseStatus(value)).toBeUndefined();
    const decision = decideOn(podWith({ annotations: { [statusAnnotation]: value } }));
    expect(decision.reasons[0].code).toBe('ForeignStatus');
    expect(decision.warnings).toHaveLength(1);
  });
});

describe('a status that does not verify is no defect of ours', () => {
  const mounted = { ...envoy, volumeMounts: [{ name: 'nowhere', mountPath: '/x' }] };
  const late = { name: 'late', readinessProbe: { httpGet: { port: 9090 } } };

  test.each<[string, JsonObject, JsonObject, string]>([
    ['volumes that are not there', { volumes: ['istio-logs'] }, envoy, 'volume istio-logs is there 0 times'],
    ['mounts of no volume', {}, mounted, 'container istio-proxy mounts volume nowhere, which does not exist'],
  ])('%s', (_what, more, proxy, sentence) => {
    const snapshot = snapshotOf();
    const pod = forged(
      snapshot,
      { templates: ['sidecar'], containers: ['istio-proxy'], ...more },
      { containers: [app, proxy, late] },
    );
    const decision = decideOn(pod, snapshot);
    expect([decision.outcome, decision.reasons[0].code]).toEqual(['deny', 'IncompleteInjection']);
    expect(decision.reasons[0].message).toContain(`does not fit the pod: ${sentence}`);
  });
});

test('a patch that fails its verification never goes out', () => {
  const fragments = rememberFragments();
  // A defect of ours, which no input is known to bring about.
  const broken: RememberedFragments = {
    ...fragments,
    fragmentOf: (input) => ({ ...fragments.fragmentOf(input), volumes: [] }),
  };
  for (const [onInvalidPatch, outcome] of [
    ['admit', 'skip'],
    ['deny', 'deny'],
  ] as const) {
    const injector = createInjector(snapshotOf({ injection: { onInvalidPatch } }), broken);
    const decision = injector.decide({ pod: podWith(), namespace: 'shop' });
    expect([decision.outcome, decision.reasons[0].code]).toEqual([outcome, 'InvalidPatch']);
    expect([decision.operations, decision.patch]).toEqual([[], []]);
    expect(decision.reasons[0].message).toContain('mounts volume istio-logs, which does not exist');
  }
});
