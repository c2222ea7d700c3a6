import { describe, expect, test } from '@jest/globals';
import jsonPatch from 'fast-json-patch';
import { undo } from '../../../src/injection/patch/undo.ts';
import { joinPatch } from '../../../src/injection/patch/patch-text.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import {
  containerOf,
  decideOn,
  injectedPod,
  podWith,
  rulesOf,
  type InjectedPod,
} from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const probe = { httpGet: { path: '/live', port: 9000 }, periodSeconds: 3 };

/** An injected pod to which another webhook has added a container. */
function extended(
  pod: JsonObject = podWith({ container: { readinessProbe: { tcpSocket: { port: 8080 } } } }),
): JsonObject {
  const injected = structuredClone(injectedPod(pod)) as unknown as { spec: { containers: JsonObject[] } };
  injected.spec.containers.push({ name: 'late', image: 'late:1', livenessProbe: probe });
  return injected;
}

function again(pod: JsonObject): InjectedPod {
  const decision = decideOn(pod);
  return jsonPatch.applyPatch(structuredClone(pod), JSON.parse(joinPatch(decision.patch)) as jsonPatch.Operation[])
    .newDocument as unknown as InjectedPod;
}

describe('a pod that was injected before', () => {
  test('gets the probes of a container that was added since, and nothing else', () => {
    const decision = decideOn(extended());
    expect(decision.reasons[0]).toEqual({
      code: 'ProbesAdded',
      message: 'injected before; what "late" needs was added',
    });
    expect(decision.operations.map(({ op, path }) => `${op} ${path}`)).toEqual([
      'replace /spec/containers/1/livenessProbe/httpGet',
      'replace /spec/initContainers/1/args/1',
      'replace /metadata/annotations/sidecar.istio.io~1status',
    ]);
    const pod = again(extended());
    expect(containerOf(pod, 'late')['livenessProbe']).toEqual({
      httpGet: { path: '/app-health/late/livez', port: 15020, scheme: 'HTTP' },
      periodSeconds: 3,
    });
    const [, bootstrap] = containerOf(pod, 'istio-proxy')['args'] as string[];
    expect(bootstrap).toContain('/app-health/late/livez');
    expect(bootstrap).toContain('/app-health/app/readyz');
    expect(decideOn(pod as unknown as JsonObject).reasons[0].code).toBe('AlreadyInjected');
  });

  test('is undone completely, the late probe included', () => {
    const pod = again(extended()) as unknown as JsonObject;
    const operations = structuredClone(undo(pod)?.operations ?? []) as unknown as jsonPatch.Operation[];
    const back = jsonPatch.applyPatch(structuredClone(pod), operations).newDocument as unknown as InjectedPod;
    expect(back.spec.containers[0]?.['readinessProbe']).toEqual({ tcpSocket: { port: 8080 } });
    expect(back.spec.containers[1]?.['livenessProbe']).toEqual(probe);
    expect(JSON.stringify(back)).not.toContain('istio');
  });

  test('keeps what others changed in our containers', () => {
    const pod = extended() as unknown as { spec: { initContainers: { resources: { limits: JsonObject } }[] } };
    const proxy = pod.spec.initContainers[1];
    if (proxy === undefined) throw new Error('no proxy');
    proxy.resources.limits = { ...proxy.resources.limits, 'ephemeral-storage': '1Gi' };
    const result = again(pod);
    expect(containerOf(result, 'istio-proxy')['resources']).toMatchObject({ limits: { 'ephemeral-storage': '1Gi' } });
  });

  test('excludes the late probe port instead when probes are not rewritten', () => {
    const pod = extended(podWith({ annotations: { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' } }));
    expect(rulesOf(again(pod)).join('\n')).toContain('--dport 9000 -j RETURN');
    expect(containerOf(again(pod), 'late')['livenessProbe']).toEqual(probe);
  });

  test('of other settings is left alone', () => {
    const pod = extended();
    const decision = decideOn(pod, snapshotOf({ proxy: { logLevel: 'debug' } }));
    expect([decision.outcome, decision.reasons[0].code, decision.operations]).toEqual(['skip', 'OtherSettings', []]);
    expect(decision.warnings).toEqual([expect.stringMatching(/^sidecar-injector: injected with the settings/)]);
  });

  test('and lost a container is refused with what to do', () => {
    const pod = structuredClone(injectedPod(podWith())) as unknown as { spec: { initContainers: unknown[] } };
    pod.spec.initContainers.pop();
    const decision = decideOn(pod as unknown as JsonObject);
    expect(decision.outcome).toBe('deny');
    expect(decision.reasons).toEqual([
      {
        code: 'IncompleteInjection',
        message:
          'sidecar.istio.io/status says that "istio-proxy" was injected, but it is not there; take the annotation out, or run `sidecar-injector uninject`',
      },
    ]);
  });
});
