import { describe, expect, test } from '@jest/globals';
import { undo } from '../../../../src/injection/patch/undo.ts';
import { applyToValue } from '../../../../src/json/apply.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { decideOn, injectedPod, podWith } from '../../../support/builders/decisions.ts';
import { istioPod, istiodSnapshot } from '../../../support/processes/istiod.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';

const app = { name: 'app', image: 'app:1' };

describe("groups of the pod that are the proxy's", () => {
  const message = (field: string) =>
    `the pod's securityContext.${field} has group 1337, the proxy's, and its files could pass the proxy by; use another group`;

  test.each<[string, JsonObject, string[]]>([
    ['fsGroup', { fsGroup: 1337 }, ['fsGroup']],
    ['one of several supplemental groups', { supplementalGroups: [1, 1337] }, ['supplementalGroups']],
    ['both', { fsGroup: 1337, supplementalGroups: [1337] }, ['fsGroup', 'supplementalGroups']],
    ['others', { fsGroup: 1338, supplementalGroups: [1], runAsNonRoot: true }, []],
    ['no list', { supplementalGroups: 1337 }, []],
  ])('%s', (_, securityContext, fields) => {
    const decision = decideOn(podWith({ spec: { containers: [app], securityContext } }));
    expect(decision.outcome).toBe(fields.length === 0 ? 'inject' : 'deny');
    if (fields.length === 0) return;
    expect(decision.reasons).toEqual(fields.map((field) => ({ code: 'UserConflict', message: message(field) })));
  });

  test('do not matter where nothing is captured', () => {
    const snapshot = snapshotOf({ capture: { interceptionMode: 'NONE' } });
    const pod = podWith({ spec: { containers: [app], securityContext: { fsGroup: 1337 } } });
    expect(decideOn(pod, snapshot).outcome).toBe('inject');
  });
});

describe("the proxy's volumes", () => {
  const mounting = (name: string): JsonObject => {
    const container = { ...app, volumeMounts: [{ name, mountPath: '/x' }] };
    return podWith({ spec: { containers: [container] } });
  };

  test.each(['istio-admin', 'istio-podinfo', 'istio-token-mask'])('%s is mounted by nobody else', (name) => {
    const snapshot = snapshotOf({ proxy: { admin: 'socket' } });
    expect(decideOn(mounting(name), snapshot).reasons).toEqual([
      {
        code: 'NameConflict',
        message: `container "app" mounts volume "${name}", which is the proxy's; leave the mount out`,
      },
    ]);
  });

  test('the one of its log is', () => expect(decideOn(mounting('istio-logs')).outcome).toBe('inject'));
});

describe('effective settings that a pod claims to have', () => {
  const key = 'sidecar-injector.io/settings';

  test.each([false, true])('are not passed on; shown %s', (showSettings) => {
    const pod = podWith({ annotations: { [key]: '{"fake":true}' } });
    const injected = injectedPod(pod, snapshotOf({ injection: { showSettings } }));
    const shown = injected.metadata.annotations[key];
    expect(shown === undefined).toBe(!showSettings);
    expect(shown ?? '').not.toContain('fake');
    const restored = undo(injected as unknown as JsonObject);
    expect(restored?.problems ?? []).toEqual([]);
    expect(applyToValue(injected as unknown as JsonObject, restored?.operations ?? [])).toMatchObject({
      metadata: { annotations: { [key]: '{"fake":true}' } },
    });
  });
});

describe('ports', () => {
  const declaring = (port: JsonObject) => podWith({ container: { ports: [port] } });
  const numbers = [15_000, 15_001, 15_006, 15_020, 15_021, 15_090];

  test.each(numbers)('of TCP are the proxy’s: %i', (containerPort) => {
    for (const protocol of [{}, { protocol: 'TCP' }]) {
      const decision = decideOn(declaring({ containerPort, ...protocol }));
      expect(decision.reasons.map(({ code }) => code)).toEqual(['PortConflict']);
    }
  });

  test.each(numbers)('of UDP and SCTP are not: %i', (containerPort) => {
    for (const protocol of ['UDP', 'SCTP']) {
      expect(decideOn(declaring({ containerPort, protocol })).outcome).toBe('inject');
    }
  });
});

describe('volumes in the mode istiod', () => {
  const withVolume = (volume: JsonObject) => istioPod({}, { volumes: [volume] });

  test('of one name have one source', () => {
    const volume = { name: 'istio-data', hostPath: { path: '/data' } };
    expect(decideOn(withVolume(volume), istiodSnapshot()).reasons).toEqual([
      {
        code: 'NameConflict',
        message: 'volume "istio-data" of the pod has the source hostPath, and Istio\'s has emptyDir; rename the pod\'s',
      },
    ]);
  });

  test.each([
    { name: 'istio-data', emptyDir: { medium: 'Memory' } },
    { name: 'workload-certs', csi: { driver: 'csi.spiffe.io' } },
    { name: 'istio-data' },
  ])('%j goes with Istio’s', (volume) => {
    expect(decideOn(withVolume(volume), istiodSnapshot()).outcome).toBe('inject');
  });
});

describe('own copies in the mode istiod', () => {
  const copy = (name: string, ports: readonly JsonObject[]) =>
    istioPod({}, { containers: [app, { name: 'istio-proxy', image: 'auto' }], initContainers: [{ name, ports }] });

  test('a port of the proxy in a copy of the init container is a conflict, and no defect', () => {
    expect(decideOn(copy('istio-init', [{ containerPort: 15_090 }]), istiodSnapshot()).reasons).toEqual([
      {
        code: 'PortConflict',
        message: expect.stringContaining('both injected, declare port 15090/TCP'),
      },
    ]);
  });

  test('of another protocol it is none', () => {
    const ports = [{ containerPort: 15_090, protocol: 'UDP' }];
    expect(decideOn(copy('istio-init', ports), istiodSnapshot()).outcome).toBe('inject');
  });
});
