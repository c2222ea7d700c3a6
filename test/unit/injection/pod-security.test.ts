import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/index.ts';
import { withNamespaces } from '../../../src/injection/snapshot.ts';
import { decideOn, podWith, type PodParts } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { templateObject } from '../../support/builders/templates.ts';

const enforced = (level: string, version?: string): Record<string, string> => ({
  'pod-security.kubernetes.io/enforce': level,
  ...(version === undefined ? {} : { 'pod-security.kubernetes.io/enforce-version': version }),
});

function warningsIn(labels: Record<string, string>, parts: PodParts = {}, snapshot = snapshotOf()): readonly string[] {
  const known = withNamespaces(snapshot, new Map([['shop', { labels, annotations: {} }]]));
  return decideOn(podWith(parts), known).warnings;
}

const remedy =
  'sidecar-injector: for a sidecar under Pod Security, use sidecar.istio.io/interceptionMode: NONE on the pods, a node agent that captures (deploy/overlays/cni), or the level privileged';
const netAdmin = 'container "istio-init": capability NET_ADMIN, capability NET_RAW';

describe('a pod that the namespace will refuse because of what is injected', () => {
  test('is admitted with a warning of what is refused and another of what to do', () => {
    expect(warningsIn(enforced('baseline'))).toEqual([
      `sidecar-injector: the namespace enforces Pod Security baseline, so the pod will be refused (${netAdmin})`,
      remedy,
    ]);
  });

  test.each<[string, Record<string, string>, PodParts]>([
    ['that enforces nothing', {}, {}],
    ['of the level privileged', enforced('privileged'), {}],
    ['without capture', enforced('baseline'), { annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } }],
    ['that is not injected', enforced('baseline'), { labels: { 'sidecar.istio.io/inject': 'false' } }],
  ])('is not one %s', (_what, labels, parts) => {
    expect(warningsIn(labels, parts)).toEqual([]);
  });

  test('what the caller knows of the namespace counts more than what was read', () => {
    const known = withNamespaces(snapshotOf(), new Map([['shop', { labels: enforced('baseline'), annotations: {} }]]));
    expect(decide({ pod: podWith(), namespace: 'shop', namespaceLabels: {} }, known).warnings).toEqual([]);
  });
});

/** A sidecar that lacks what newer standards ask for. */
function oldSidecar(securityContext: object) {
  const container = { name: 'helper', image: 'registry.example/helper:1', securityContext };
  const template = templateObject('helper', { containers: [container] });
  return snapshotOf({ injection: { defaultTemplates: ['helper'] } }, { templates: [template] });
}

test.each([
  ['v1.7', []],
  ['v1.8', ['allowPrivilegeEscalation']],
  ['v1.19', ['allowPrivilegeEscalation', 'seccompProfile']],
  ['v1.22', ['allowPrivilegeEscalation', 'seccompProfile', 'drop without ALL']],
  ['v1.23', ['allowPrivilegeEscalation', 'seccompProfile', 'drop without ALL', 'runAsUser 0']],
  ['latest', ['allowPrivilegeEscalation', 'seccompProfile', 'drop without ALL', 'runAsUser 0']],
])('restricted in version %s asks for what it did then', (version, expected) => {
  const snapshot = oldSidecar({ runAsNonRoot: true, runAsUser: 0 });
  const [first = ''] = warningsIn(enforced('restricted', version), {}, snapshot);
  const all = ['allowPrivilegeEscalation', 'seccompProfile', 'drop without ALL', 'runAsUser 0'];
  expect(all.filter((part) => first.includes(part))).toEqual(expected);
});
