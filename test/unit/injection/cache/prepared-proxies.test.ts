import { describe, expect, test } from '@jest/globals';
import { rememberFragments } from '../../../../src/injection/cache/fragments.ts';
import { createInjector, decide, type Injector } from '../../../../src/injection/injector.ts';
import type { Decision } from '../../../../src/injection/decision.ts';
import { joinPatch } from '../../../../src/injection/patch/patch-text.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { namesOf } from '../../../support/builders/decisions.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';
import { templateObject } from '../../../support/builders/templates.ts';

const namespace = 'shop';

function injectorOf(spec: object = {}): Injector {
  return createInjector(snapshotOf(spec));
}

function podOf(name: string, more: JsonObject = {}, container: JsonObject = {}): JsonObject {
  return {
    metadata: { name },
    spec: { containers: [{ name: 'app', ports: [{ containerPort: 8080 }], ...container }], ...more },
  };
}

function probing(path: string): JsonObject {
  return { readinessProbe: { httpGet: { path, port: 8080 } } };
}

/** The text of the whole decision; its values must be plain JSON anyway. */
function textOf(decision: Decision): string {
  return JSON.stringify(decision);
}

const pods: readonly (readonly [what: string, pod: JsonObject])[] = [
  ['no init containers', podOf('web')],
  ['init containers', podOf('web', { initContainers: [{ name: 'migrate' }] })],
  ['init containers null', podOf('web', { initContainers: null })],
  ['a probe', podOf('web', {}, probing('/ready'))],
  ['odd text in a probe', podOf('web', {}, probing('/é"\\$(HOME)\u2028'))],
  ['an override', podOf('web', { initContainers: [{ name: 'istio-proxy', image: 'auto', env: [{ name: 'A' }] }] })],
];

describe('the init container', () => {
  const initOf = (injector: Injector, pod: JsonObject) => injector.decide({ pod, namespace }).added?.initContainers[0];
  const annotated = (annotations: JsonObject): JsonObject => ({
    ...podOf('api'),
    metadata: { name: 'api', annotations },
  });

  test('is the very same for workloads that say nothing about what is captured', () => {
    const injector = injectorOf();
    const first = initOf(injector, podOf('web', {}, probing('/a')));
    expect(first).toMatchObject({ name: 'istio-init' });
    expect(initOf(injector, podOf('api', {}, probing('/b')))).toBe(first);
  });

  test.each<[string, JsonObject]>([
    ['ports', annotated({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '443' })],
    ['another status port', annotated({ 'status.sidecar.istio.io/port': '15999' })],
    [
      'a user',
      podOf('api', { initContainers: [{ name: 'istio-proxy', image: 'auto', securityContext: { runAsUser: 7 } }] }),
    ],
    [
      'probes that stay as they are',
      {
        ...podOf('api', {}, probing('/')),
        metadata: { name: 'api', annotations: { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' } },
      },
    ],
  ])('is its own with %s', (_what, pod) => {
    const injector = injectorOf();
    const plain = initOf(injector, podOf('web'));
    const own = initOf(injector, pod);
    expect(own).toMatchObject({ name: 'istio-init' });
    expect(own).not.toEqual(plain);
    expect(own).toEqual(initOf(injectorOf(), pod));
    expect(initOf(injector, podOf('shop'))).toBe(plain);
  });
});

describe.each([
  ['native', {}],
  ['classic', { injection: { nativeSidecars: 'never' } }],
])('%s', (_kind, spec) => {
  test.each(pods)('%s: the patch is the operations as JSON text, the first time and later', (_what, pod) => {
    const snapshot = injectorOf(spec);
    for (const decision of [snapshot.decide({ pod, namespace }), snapshot.decide({ pod, namespace })]) {
      expect(decision.outcome).toBe('inject');
      expect(joinPatch(decision.patch)).toBe(JSON.stringify(decision.operations));
    }
  });

  test.each(pods)('%s: what is remembered changes no decision', (_what, pod) => {
    const used = injectorOf(spec);
    for (const [, other] of pods) used.decide({ pod: other, namespace });
    expect(textOf(used.decide({ pod, namespace }))).toBe(textOf(decide({ pod, namespace }, snapshotOf(spec))));
  });
});

test('edits of one pod do not reach the next one', () => {
  const snapshot = injectorOf();
  const pod = podOf('web', {}, probing('/ready'));
  const first = snapshot.decide({ pod, namespace });
  const before = textOf(first);
  const containers = first.added?.initContainers ?? [];
  expect(namesOf(containers)).toEqual(['istio-init', 'istio-proxy']);
  for (const container of containers) {
    const { args, env } = container as { args?: string[]; env?: { value?: string }[] };
    expect(() => args?.fill('edited') ?? env?.forEach((variable) => (variable.value = 'edited'))).toThrow(TypeError);
  }
  expect(textOf(snapshot.decide({ pod, namespace }))).toBe(before);
});

test('revisions of one workload are told apart, whichever comes first', () => {
  const revisions = [
    podOf('web', {}, probing('/ready')),
    podOf('web', { terminationGracePeriodSeconds: 7 }, probing('/ready')),
    podOf('web', {}, { readinessProbe: { ...(probing('/ready')['readinessProbe'] as JsonObject), timeoutSeconds: 9 } }),
  ];
  const snapshot = injectorOf({ injection: { nativeSidecars: 'never' } });
  const fresh = revisions.map((pod) =>
    textOf(decide({ pod, namespace }, snapshotOf({ injection: { nativeSidecars: 'never' } }))),
  );
  expect(new Set(fresh).size).toBe(revisions.length);
  for (const index of [0, 1, 2, 1, 0, 2]) {
    expect(textOf(snapshot.decide({ pod: revisions[index] ?? {}, namespace }))).toBe(fresh[index]);
  }
});

test('more workloads than are remembered all get their own', () => {
  const snapshot = injectorOf();
  const patches = Array.from({ length: 300 }, (_, index) => snapshot.decide({ pod: podOf(`web-${index}`), namespace }));
  expect(new Set(patches.map(({ patch }) => joinPatch(patch))).size).toBe(300);
  expect(textOf(snapshot.decide({ pod: podOf('web-0'), namespace }))).toBe(textOf(patches[0] as Decision));
});

describe('memory', () => {
  const long = 'a'.repeat(300_000);
  const isRemembered = (pod: JsonObject, injector = createInjector(snapshotOf())): boolean => {
    const [first, second] = [1, 2].map(() => injector.decide({ pod, namespace }).added?.initContainers.at(-1));
    return first !== undefined && first === second;
  };

  test('is not filled by pods that are large', () => {
    expect(isRemembered(podOf('web'))).toBe(true);
    expect(isRemembered(podOf('web', {}, probing(`/${long.slice(0, 1_000)}`)))).toBe(true);
    const override = { name: 'istio-proxy', image: 'auto', env: [{ name: 'A', value: 'x' }] };
    expect(isRemembered(podOf('web', { initContainers: [override] }))).toBe(false);
    const environment = { 'sidecar-injector.io/proxyEnv': JSON.stringify({ OTEL_A: long }) };
    const pod = podOf('web');
    expect(isRemembered({ ...pod, metadata: { name: 'web', annotations: environment } })).toBe(false);
  });

  test('is not touched by pods that are refused', () => {
    const kept: unknown[] = [];
    const fragments = { ...rememberFragments(), keep: (fragment: unknown) => void kept.push(fragment) };
    const watching = createInjector(snapshotOf(), fragments);
    expect(watching.decide({ pod: podOf('web', {}, probing(`/${long}`)), namespace }).outcome).toBe('deny');
    expect(kept).toEqual([]);
    expect(watching.decide({ pod: podOf('web'), namespace }).outcome).toBe('inject');
    expect(kept).toHaveLength(1);
  });
});

describe('texts that many patches contain', () => {
  const shipper = templateObject('shipper', { mode: 'classic', containers: [{ name: 'shipper', image: 'shipper:1' }] });

  /** The pieces of two pods' patches that are the very same object. */
  function shared(pods: readonly JsonObject[], injector: Injector): readonly string[] {
    const [first = [], second = []] = pods.map((pod) => injector.decide({ pod, namespace }).patch);
    const others = new Set(second);
    return first.flatMap((piece) => (typeof piece !== 'string' && others.has(piece) ? [piece.text] : []));
  }

  test('of the proxy are made once a workload', () => {
    const pods = ['1', '2'].map((node) => podOf('web', { nodeSelector: { node } }));
    expect(shared(pods, injectorOf()).map((text) => (JSON.parse(text) as { name: string }).name)).toEqual([
      'istio-init',
      'istio-proxy',
    ]);
  });

  test('of a declared sidecar are made once, with the snapshot', () => {
    const injection = { defaultTemplates: ['shipper'] };
    const injector = createInjector(snapshotOf({ injection }, { templates: [shipper] }));
    expect(shared([podOf('web'), podOf('shop')], injector)).toEqual(['{"name":"shipper","image":"shipper:1"}']);
  });
});
