import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nameOf } from '../../src/sidecars/template-library.ts';
import { injectedPod, podWith } from '../support/builders/decisions.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { selectionOf, snapshotWithShipped } from '../support/sidecars/shipped-sidecars.ts';
import { openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
const snapshot = snapshotWithShipped();
const references = ['sidecar', ...snapshot.templates.keys()];
let plain: string;
let restricted: string;

beforeAll(async () => {
  [plain, restricted] = await Promise.all([
    cluster.createNamespace(),
    cluster.createNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' }),
  ]);
});
afterAll(() => cluster.api.close());

const hardened = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The pod as the engine injects it, for a namespace where no webhook is called. */
function injectedWith(templates: readonly string[], mode = snapshot): object {
  const pod = podWith({
    annotations: selectionOf(templates),
    container: {
      ports: [{ containerPort: 8080 }],
      readinessProbe: { httpGet: { port: 8080 } },
      securityContext: hardened,
    },
  });
  return { apiVersion: 'v1', kind: 'Pod', ...injectedPod(pod, mode) };
}

async function answerTo(namespace: string, pod: object): Promise<string> {
  const { status, body, warnings } = await cluster.createPod(namespace, pod, 'dryRun=All&fieldValidation=Strict');
  return status === 201 ? ['accepted', ...warnings].join('; ') : `${status} ${body.message}`;
}

describe('the API server takes pods with every pair of shipped sidecars, with no field that it does not know', () => {
  const classic = snapshotWithShipped({ injection: { nativeSidecars: 'never' } });

  test.each(references)('%s and each other', async (one) => {
    for (const other of references.filter((reference) => nameOf(reference) !== nameOf(one))) {
      for (const mode of [snapshot, classic]) {
        const answer = await answerTo(plain, injectedWith([one, other], mode));
        expect([one, other, answer]).toEqual([one, other, 'accepted']);
      }
    }
  });
});

describe('Pod Security admission agrees with what `template lint` says', () => {
  test('the shipped sidecars pass restricted', async () => {
    const unversioned = references.filter((reference) => reference !== 'sidecar' && !reference.includes(':'));
    expect(await answerTo(restricted, injectedWith(unversioned))).toBe('accepted');
    expect(await answerTo(restricted, injectedWith(['log-shipper:fluentd', 'metrics-exporter:apache']))).toBe(
      'accepted',
    );
  });

  test('the privileged one does not', async () => {
    expect(await answerTo(restricted, injectedWith(['security-agent:privileged']))).toMatch(
      /^403 .*violates PodSecurity "restricted:latest": privileged \(container "security-agent" must not set/,
    );
  });
});

describe('pods with resources of their own as a whole', () => {
  const total = { requests: { cpu: '200m', memory: '64Mi' }, limits: { cpu: '400m', memory: '128Mi' } };
  const pod = podWith({
    annotations: { 'inject.istio.io/templates': 'sidecar,log-shipper,metrics-exporter' },
    container: { resources: { requests: { cpu: '100m', memory: '32Mi' } } },
    spec: { resources: total },
  });
  const whole = { apiVersion: 'v1', kind: 'Pod' };

  test('take every injected container, whose shares fit', async () => {
    for (const nativeSidecars of ['always', 'never']) {
      const injected = injectedPod(pod, snapshotWithShipped({ injection: { nativeSidecars } }));
      expect(await answerTo(plain, { ...whole, ...injected })).toBe('accepted');
    }
  });

  test('and would not take them as they are without that', async () => {
    const { resources: _resources, ...spec } = pod['spec'] as Record<string, unknown>;
    const uncut = injectedPod({ ...pod, spec } as typeof pod, snapshot);
    const answer = await answerTo(plain, { ...whole, ...uncut, spec: { ...uncut.spec, resources: total } });
    expect(answer).toMatch(/^422 .*spec\.resources|^422 .*must be (?:less|greater) than or equal to/s);
  });
});
