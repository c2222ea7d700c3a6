import { describe, expect, test } from '@jest/globals';
import { createInjector, createSnapshot } from '../../../src/index.ts';
import { withNamespaces } from '../../../src/injection/snapshot.ts';
import { containerOf, decideOn, injectedPod, podWith } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const next = { name: 'next', percent: 30, proxy: { image: 'envoy:next' } };
const variants = [next];
const label = 'sidecar-injector.io/variant';
const pin = 'sidecar-injector.io/pinned-variant';

function pods(deployment: string, hash: string, labels: Record<string, string> = {}) {
  const name = `${deployment}-${hash}`;
  return {
    metadata: {
      generateName: `${name}-`,
      labels: { 'pod-template-hash': hash, ...labels },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, controller: true }],
    },
    spec: { containers: [{ name: 'app', image: 'app:1' }] },
  };
}

/** Image and label of a pod. */
function seen(pod: ReturnType<typeof pods>, snapshot = snapshotOf({ variants })): readonly unknown[] {
  const injected = injectedPod(pod, snapshot);
  return [containerOf(injected, 'istio-proxy')['image'], injected.metadata.labels?.[label]];
}

const stable = ['envoyproxy/envoy:v1.40.0', 'stable'];
const canary = ['envoy:next', 'next'];
/** Deployments of both kinds, found by trying. */
const names = Array.from({ length: 40 }, (_, index) => `web-${index}`);
const isCanary = (name: string): boolean => seen(pods(name, 'aaaa'))[1] === 'next';
const chosen = names.find(isCanary) ?? '';
const other = names.find((name) => !isCanary(name)) ?? '';

describe('a variant of the built-in sidecar', () => {
  test('is given to some owners, with a label that tells', () => {
    expect([seen(pods(chosen, 'aaaa')), seen(pods(other, 'aaaa'))]).toEqual([canary, stable]);
  });

  test('stays with the owner: all revisions of a Deployment, and every pod', () => {
    for (const hash of ['aaaa', 'bbbb', '6d4cf56db6']) {
      expect([seen(pods(chosen, hash)), seen(pods(other, hash))]).toEqual([canary, stable]);
    }
  });

  test('changes what it names, and nothing else', () => {
    const snapshot = snapshotOf({
      proxy: { logLevel: 'info', resources: { requests: { cpu: '7m', memory: '8Mi' } } },
      variants: [{ name: 'next', percent: 100, proxy: { resources: { requests: { cpu: '9m' } } } }],
    });
    const { effective } = decideOn(podWith(), snapshot).added ?? {};
    expect(effective?.proxy.logLevel).toBe('info');
    expect(effective?.proxy.resources.requests).toEqual({ cpu: '9m', memory: '8Mi' });
    expect(effective?.proxy.image).toBe('envoyproxy/envoy:v1.40.0');
  });

  test('stands below the profile', () => {
    const profiles = [{ name: 'quiet', namespaces: ['*'], logLevel: 'error' }];
    const snapshot = snapshotOf({
      profiles,
      variants: [{ name: 'next', percent: 100, proxy: { logLevel: 'debug', image: 'envoy:next' } }],
    });
    const { effective } = decideOn(podWith(), snapshot).added ?? {};
    expect([effective?.proxy.logLevel, effective?.proxy.image]).toEqual(['error', 'envoy:next']);
  });

  test('without variants no pod gets a label, and one that it has is put right', () => {
    expect(injectedPod(podWith(), snapshotOf()).metadata.labels?.[label]).toBeUndefined();
    expect(injectedPod(podWith({ labels: { [label]: 'old' } }), snapshotOf()).metadata.labels?.[label]).toBe('stable');
  });

  test('is what the webhook sees when the pod comes again', () => {
    const snapshot = snapshotOf({ variants });
    const injector = createInjector(snapshot);
    for (const name of [chosen, other]) {
      const again = injectedPod(pods(name, 'aaaa'), snapshot);
      const { outcome, reasons, operations } = injector.decide({ pod: again as never, namespace: 'shop' });
      expect([outcome, reasons[0].code, operations]).toEqual(['skip', 'AlreadyInjected', []]);
    }
  });
});

describe('a pin', () => {
  const inNamespace = (value: string) =>
    withNamespaces(snapshotOf({ variants }), new Map([['shop', { labels: { [pin]: value }, annotations: {} }]]));

  test('of a pod counts, whatever the share', () => {
    expect(seen(pods(other, 'aaaa', { [pin]: 'next' }))).toEqual(canary);
    expect(seen(pods(chosen, 'aaaa', { [pin]: 'stable' }))).toEqual(stable);
  });

  test('of a namespace counts for its pods, below their own', () => {
    expect(seen(pods(other, 'aaaa'), inNamespace('next'))).toEqual(canary);
    expect(seen(pods(chosen, 'aaaa'), inNamespace('stable'))).toEqual(stable);
    expect(seen(pods(chosen, 'aaaa', { [pin]: 'next' }), inNamespace('stable'))).toEqual(canary);
  });

  test.each([
    [
      'a pod',
      { [pin]: 'nxt' },
      snapshotOf({ variants }),
      `label ${pin}: "nxt" is not a known variant, did you mean "next"?`,
    ],
    [
      'a namespace',
      {},
      inNamespace('gone'),
      `namespace label ${pin}: "gone" is not a known variant; known: stable, next`,
    ],
    ['no variants', { [pin]: 'next' }, snapshotOf(), `label ${pin}: "next" is not a known variant; known: stable`],
  ])('that is not known, of %s, means stable, with a warning', (_what, labels, snapshot, warning) => {
    const { warnings, added } = decideOn(pods(chosen, 'aaaa', labels), snapshot);
    expect(warnings).toEqual([`sidecar-injector: ${warning}; the pod gets stable`]);
    expect(added?.effective?.variant).toBeUndefined();
  });
});

test.each<[string, object, string, RegExp]>([
  ['no name', { variants: [{ percent: 1 }] }, 'spec.variants[0].name', /string/],
  ['the name stable', { variants: [{ name: 'stable' }] }, 'spec.variants[0].name', /stands for pods without a variant/],
  ['a name twice', { variants: [next, next] }, 'spec.variants[1].name', /is there twice/],
  ['too much', { variants: [{ ...next, percent: 101 }] }, 'spec.variants[0].percent', /100/],
  [
    'a misspelt setting',
    { variants: [{ name: 'a', proxy: { imag: 'x' } }] },
    'spec.variants[0].proxy.imag',
    /did you mean "image"/,
  ],
  ['a bad value', { variants: [{ name: 'a', proxy: { statusPort: -1 } }] }, 'spec.variants[0].proxy.statusPort', /0/],
  [
    'images that pods may set',
    { variants: [{ name: 'a', proxy: { allowedImages: ['*'] } }] },
    'spec.variants[0].proxy.allowedImages',
    /unknown key/,
  ],
  [
    'mode istiod',
    { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } }, variants },
    'spec.variants',
    /revisions/,
  ],
  [
    'a profile whose patch does not fit',
    {
      variants: [{ name: 'a', proxy: { statusPort: 0 } }],
      profiles: [{ name: 'p', proxyPatch: [{ op: 'replace', path: '/readinessProbe/periodSeconds', value: 9 }] }],
    },
    'spec.profiles[0]',
    /with variant "a"/,
  ],
])('settings with %s are refused', (_what, spec, where, message) => {
  const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec };
  const result = createSnapshot({ settings });
  const problems = 'problems' in result ? result.problems : [];
  expect(problems).toContainEqual({ where, message: expect.stringMatching(message) });
});
