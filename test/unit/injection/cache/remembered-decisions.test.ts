import { describe, expect, test } from '@jest/globals';
import { createInjector, decide, type Injector } from '../../../../src/injection/injector.ts';
import type { Decision } from '../../../../src/injection/decision.ts';
import type { Operation } from '../../../../src/json/operation.ts';
import { joinPatch, writePatchText } from '../../../../src/injection/patch/patch-text.ts';
import { reason } from '../../../../src/injection/policy/reason.ts';
import { rememberDecisions } from '../../../../src/injection/cache/decisions.ts';
import { withClusterFacts } from '../../../../src/injection/snapshot.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { viewPod } from '../../../../src/pod/view.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';

const namespace = 'shop';

function injectorOf(): Injector {
  return createInjector(snapshotOf());
}

interface Wishes {
  readonly token?: string;
  readonly prefix?: string;
  readonly metadata?: JsonObject;
  readonly spec?: JsonObject;
  readonly container?: JsonObject;
}

/** A pod of a ReplicaSet as it arrives: no name of its own, a token volume with a random end. */
function podOf({ token = 'kube-api-access-x7k2p', prefix = 'web-7f9c-', metadata, spec, container }: Wishes = {}) {
  const mount = { name: token, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
  return {
    metadata: { generateName: prefix, labels: { app: 'web' }, ...metadata },
    spec: {
      containers: [
        {
          name: 'app',
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/', port: 8080, httpHeaders: [{ name: 'a', value: 'b' }] } },
          volumeMounts: [mount],
          ...container,
        },
      ],
      volumes: [{ name: token, projected: { sources: [] } }],
      ...spec,
    },
  } as const;
}

/** Everything that a decision says, its patch as one text. */
function textOf(decision: Decision): string {
  return JSON.stringify({ ...decision, patch: joinPatch(decision.patch) });
}

/** Decides often enough that the pod's kind is remembered. */
function warmUp(injector: Injector, pod: JsonObject = podOf()): Decision {
  let last = injector.decide({ pod, namespace });
  for (let time = 0; time < 3; time++) last = injector.decide({ pod, namespace });
  return last;
}

function isRemembered(decision: Decision): boolean {
  return decision.patch.length === 1 && Object.isFrozen(decision.operations);
}

describe('the pods of one revision', () => {
  test('get what a fresh snapshot decides, from the second on as remembered', () => {
    const injector = injectorOf();
    const wanted = textOf(decide({ pod: podOf(), namespace }, snapshotOf()));
    const remembered = [0, 1, 2, 3].map((time) => {
      const pod = podOf({ token: `kube-api-access-0000${time}` });
      const decision = injector.decideInPlace({ pod: structuredClone(pod), namespace });
      expect(textOf(decision)).toBe(wanted);
      return isRemembered(decision);
    });
    expect(remembered).toEqual([false, true, true, true]);
  });

  test('have their own texts: the patch is the operations, the text the same object for all', () => {
    const injector = injectorOf();
    const first = warmUp(injector);
    const second = warmUp(injector);
    expect(joinPatch(first.patch)).toBe(JSON.stringify(first.operations));
    expect(first.patch[0]).toBe(second.patch[0]);
  });

  test('are not touched: the patch was verified on one like them', () => {
    const injector = injectorOf();
    warmUp(injector);
    const pod = structuredClone(podOf());
    expect(injector.decideInPlace({ pod, namespace }).outcome).toBe('inject');
    expect(pod).toEqual(podOf());
  });
});

/** What may differ between two pods with one prefix; each difference must be seen. */
const differences: readonly (readonly [what: string, pod: JsonObject])[] = [
  ['an annotation', podOf({ metadata: { annotations: { 'sidecar.istio.io/logLevel': 'debug' } } })],
  ['a bad annotation', podOf({ metadata: { annotations: { 'sidecar.istio.io/logLevel': 'loud' } } })],
  ['the label that opts out', podOf({ metadata: { labels: { app: 'web', 'sidecar.istio.io/inject': 'false' } } })],
  ['the host network', podOf({ spec: { hostNetwork: true } })],
  ['a header of a probe', podOf({ container: { readinessProbe: { httpGet: { path: '/', port: 8080 } } } })],
  ['a port of the proxy', podOf({ container: { ports: [{ containerPort: 15_001 }] } })],
  ['a volume with a name of ours', podOf({ spec: { volumes: [{ name: 'istio-logs', emptyDir: {} }] } })],
  ['another name for the token volume', podOf({ token: 'kube-api-access-too-long' })],
  ['one container more', podOf({ spec: { initContainers: [{ name: 'migrate' }] } })],
];

test.each(differences)('%s is told apart', (_what, pod) => {
  const injector = injectorOf();
  warmUp(injector);
  expect(textOf(injector.decide({ pod, namespace }))).toBe(textOf(decide({ pod, namespace }, snapshotOf())));
  expect(textOf(injector.decide({ pod: podOf(), namespace }))).toBe(textOf(warmUp(injectorOf())));
});

test('another namespace, workload or cluster is told apart', () => {
  const injector = injectorOf();
  warmUp(injector);
  const pod = podOf();
  const workload = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
  for (const request of [
    { pod, namespace: 'kube-system' },
    { pod, namespace, workload },
  ]) {
    expect(textOf(injector.decide(request))).toBe(textOf(decide(request, snapshotOf())));
  }
  const classic = withClusterFacts(injector.snapshot, {
    nativeSidecars: false,
    stableSidecars: false,
    sleepHook: false,
  });
  expect(decide({ pod, namespace }, classic).added?.native).toBe(false);
});

describe('not remembered', () => {
  test.each([
    ['a pod with a name of its own', podOf({ metadata: { name: 'web-0' } })],
    ['a pod without a prefix', podOf({ prefix: '' })],
    ['a large pod', podOf({ container: { env: Array.from({ length: 500 }, (_, at) => ({ name: `A${at}` })) } })],
  ])('%s', (_what, pod) => {
    expect(isRemembered(warmUp(injectorOf(), pod))).toBe(false);
  });

  test.each([
    ['a pod with a long text', podOf({ container: { args: ['x'.repeat(400_000)] } })],
    ['a pod with a long prefix', podOf({ prefix: `${'x'.repeat(400_000)}-` })],
  ])('%s', (_what, pod) => {
    const injector = injectorOf();
    const [first, second] = [warmUp(injector, pod), injector.decide({ pod, namespace })];
    expect(first.outcome).toBe('inject');
    expect(second).not.toBe(first);
  });

  test('a controller whose pods all differ is given up', () => {
    const injector = injectorOf();
    const onNode = (node: number) => podOf({ spec: { nodeSelector: { node: String(node) } } });
    for (let node = 0; node < 6; node++) injector.decide({ pod: onNode(node), namespace });
    const decision = injector.decide({ pod: onNode(5), namespace });
    expect(isRemembered(decision)).toBe(false);
    expect(textOf(decision)).toBe(textOf(decide({ pod: onNode(5), namespace }, snapshotOf())));
  });
});

describe('not kept, because the next pod needs another patch', () => {
  const request = { pod: podOf(), namespace };
  const view = viewPod(podOf());

  function noteTwice(operations: readonly Operation[], warnings: readonly string[] = []): boolean {
    const decision: Decision = {
      outcome: 'inject',
      reasons: [reason('PolicyEnabled')],
      warnings,
      operations,
      patch: writePatchText(operations, new Map()),
      added: undefined,
      capture: undefined,
      settingsHash: 'x',
    };
    const memory = rememberDecisions();
    for (let time = 0; time < 2; time++) {
      const recalled = memory.recall(view, request);
      if ('remember' in recalled) recalled.remember(decision);
    }
    return 'known' in memory.recall(view, request);
  }

  test('a patch that changes what it has added', () => {
    const labels: Operation = { op: 'add', path: '/metadata/labels', value: {} };
    expect(noteTwice([labels])).toBe(true);
    expect(noteTwice([labels, { op: 'add', path: '/metadata/labels-2', value: {} }])).toBe(true);
    expect(noteTwice([labels, { op: 'add', path: '/metadata/labels/a', value: 'b' }])).toBe(false);
  });

  test('a patch or a warning that names the token volume', () => {
    expect(noteTwice([{ op: 'add', path: '/x', value: { name: 'kube-api-access-x7k2p' } }])).toBe(false);
    expect(noteTwice([], ['volume kube-api-access-x7k2p stays'])).toBe(false);
  });
});

test('a pod that is refused leaves nothing behind, however often it comes', () => {
  const injector = injectorOf();
  const refused = warmUp(injector, podOf({ container: { securityContext: { runAsUser: 1337 } } }));
  expect(refused.outcome).toBe('deny');
  // What is remembered is frozen.
  expect(Object.isFrozen(refused)).toBe(false);
  expect(Object.isFrozen(warmUp(injector))).toBe(true);
});
