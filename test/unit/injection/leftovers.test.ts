import { describe, expect, test } from '@jest/globals';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import {
  containerOf,
  decideOn,
  injectedPod,
  namesOf,
  podWith,
  type InjectedPod,
} from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../../support/processes/istiod.ts';
import { templateObject } from '../../support/builders/templates.ts';

/** A pod as somebody has copied it: its spec alone. */
function copyOf({ spec }: InjectedPod, more: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  const copied = structuredClone(spec) as unknown as JsonObject;
  return { metadata: { name: 'copy', ...metadata }, spec: { ...copied, ...more } };
}

const probed = podWith({ container: { readinessProbe: { httpGet: { path: '/ready', port: 8080 } } } });
const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };

describe('a copy without annotations of an injected pod', () => {
  const plain = podWith();
  const fresh = injectedPod({ ...plain, metadata: { name: 'copy' } });

  test.each<[string, JsonObject]>([
    ['with everything', copyOf(injectedPod(plain))],
    ['without init containers', copyOf(injectedPod(plain), { initContainers: [] })],
    ['of a classic proxy', copyOf(injectedPod(podWith({ annotations: classic })))],
    [
      'of a classic proxy, without init containers',
      copyOf(injectedPod(podWith({ annotations: classic })), { initContainers: null }),
    ],
    ['injected with other settings', copyOf(injectedPod(plain, snapshotOf({ proxy: { logLevel: 'debug' } })))],
    [
      'injected with another image',
      copyOf(injectedPod(plain, snapshotOf({ proxy: { image: 'mirror.example/envoy:1' } }))),
    ],
    [
      'of a pod with a copy of its own',
      copyOf(
        injectedPod(
          podWith({
            spec: {
              containers: [
                { name: 'app', image: 'app:1' },
                { name: 'istio-proxy', image: 'auto', resources: { limits: { memory: '2Gi' } } },
              ],
            },
          }),
        ),
      ),
    ],
  ])('is injected as if it were new: %s', (_what, copy) => {
    const injected = injectedPod(copy);
    const { containers, initContainers, volumes } = injected.spec;
    expect({ containers, initContainers, volumes }).toEqual({
      containers: fresh.spec.containers,
      initContainers: fresh.spec.initContainers,
      volumes: fresh.spec.volumes,
    });
    expect(decideOn(copy).warnings.join('\n')).toContain('left by an earlier injection without its status annotation');
    expect(decideOn(injected as unknown as JsonObject).reasons.map(({ code }) => code)).toEqual(['AlreadyInjected']);
  });

  test('with what API servers fill in', () => {
    const copy = copyOf(injectedPod(plain)) as unknown as { spec: { volumes: JsonObject[] } };
    copy.spec.volumes = copy.spec.volumes.map((volume) =>
      volume['name'] === 'istio-podinfo'
        ? {
            name: 'istio-podinfo',
            downwardAPI: {
              defaultMode: 420,
              items: ['labels', 'annotations'].map((path) => ({
                path,
                fieldRef: { apiVersion: 'v1', fieldPath: `metadata.${path}` },
              })),
            },
          }
        : volume,
    );
    expect(namesOf(injectedPod(copy as unknown as JsonObject).spec.volumes)).toEqual(namesOf(fresh.spec.volumes));
  });

  test('a probe that only the earlier proxy could answer is taken out, and said', () => {
    const copy = copyOf(injectedPod(probed));
    expect(containerOf(injectedPod(copy), 'app')).not.toHaveProperty('readinessProbe');
    expect(decideOn(copy).warnings.join('\n')).toContain('container "app": readinessProbe asks the proxy');
  });

  test('with the sidecars of templates', () => {
    const shipper = templateObject('shipper', {
      mode: 'native',
      containers: [{ name: 'shipper', image: 'shipper:1', args: ['x'] }],
      share: [{ path: '/logs', volume: { name: 'shipper-logs', emptyDir: {} }, with: [{ container: 'shipper' }] }],
      application: [{ env: [{ name: 'LOGS', value: '/logs' }] }],
    });
    const snapshot = snapshotOf({ injection: { defaultTemplates: ['sidecar', 'shipper'] } }, { templates: [shipper] });
    const injected = injectedPod(copyOf(injectedPod(podWith(), snapshot)), snapshot);
    expect(namesOf(injected.spec.initContainers)).toEqual(['istio-init', 'istio-proxy', 'shipper']);
    expect(namesOf(injected.spec.containers)).toEqual(['app']);
    expect(containerOf(injected, 'app')).toMatchObject({
      env: [{ name: 'LOGS', value: '/logs' }],
      volumeMounts: [{ name: 'shipper-logs', mountPath: '/logs' }],
    });
  });
});

describe('what only looks like ours', () => {
  test('nothing of it is kept', () => {
    const evil = {
      name: 'istio-init',
      image: 'evil:1',
      command: ['sh'],
      env: [{ name: 'CAPTURE_RULES_V4', value: 'evil' }],
      securityContext: { privileged: true, capabilities: { add: ['NET_ADMIN'] } },
      volumeMounts: [{ name: 'host', mountPath: '/host' }],
    };
    const proxy = { name: 'istio-proxy', image: 'evil:1', args: ['--config-yaml', 'evil'], resources: { limits: {} } };
    const spec = { initContainers: [evil], containers: [{ name: 'app', image: 'app:1' }, proxy] };
    const injected = injectedPod(podWith({ spec }));
    expect(injected.spec.initContainers).toEqual(injectedPod(podWith()).spec.initContainers);
    expect(JSON.stringify(injected)).not.toContain('evil');
  });

  test('a volume of our name with other content stays a conflict', () => {
    const volumes = [{ name: 'istio-logs', emptyDir: { sizeLimit: '1Gi' } }];
    expect(decideOn(podWith({ spec: { volumes } })).reasons.map(({ code }) => code)).toEqual(['NameConflict']);
  });

  test('a container of the same name but another program stays a conflict', () => {
    const shipper = templateObject('shipper', { containers: [{ name: 'shipper', image: 'shipper:1' }] });
    const snapshot = snapshotOf({ injection: { defaultTemplates: ['sidecar', 'shipper'] } }, { templates: [shipper] });
    const spec = { containers: [{ name: 'app' }, { name: 'shipper', image: 'mine:1' }] };
    expect(decideOn(podWith({ spec }), snapshot).reasons.map(({ code }) => code)).toEqual(['NameConflict']);
  });
});

describe('a copy with the status but without init containers', () => {
  const copy = (pod: JsonObject): JsonObject => {
    const injected = injectedPod(pod);
    return copyOf(injected, { initContainers: null }, injected.metadata);
  };

  test.each([{}, classic])('is injected anew, with its probes: %j', (annotations) => {
    const pod = { ...probed, metadata: { name: 'web', annotations } };
    const injected = injectedPod(copy(pod));
    const again = injectedPod(pod);
    expect(injected.spec.initContainers).toEqual(again.spec.initContainers);
    expect(injected.spec.containers).toEqual(again.spec.containers);
    expect(decideOn(copy(pod)).warnings.join('\n')).toContain('was copied without its init containers');
  });

  test('one whose record names parents that are not there is injected as the pod without it', () => {
    const status = JSON.stringify({
      settingsHash: 'x',
      version: '1',
      templates: ['sidecar'],
      initContainers: ['istio-init', 'istio-proxy'],
      undo: { absent: ['/spec/volumes', '/spec/initContainers'] },
    });
    const again = injectedPod(podWith({ annotations: { [statusAnnotation]: status } }));
    expect(again.spec).toEqual(injectedPod(podWith()).spec);
  });

  test('one with a probe whose original nobody knows is refused', () => {
    const injected = copy(probed);
    const text = JSON.stringify(injected).replace('/app-health/app/readyz', '/app-health/ghost/readyz');
    const decision = decideOn(JSON.parse(text) as JsonObject);
    expect([decision.outcome, decision.reasons[0].code]).toEqual(['deny', 'IncompleteInjection']);
    expect(decision.reasons[0].message).toContain('readinessProbe asks /app-health/ghost/readyz of the sidecar');
  });

  test('one that would bring back what no injection has taken is refused', () => {
    const overrides = [{ list: 'containers', index: 0, container: { name: 'evil', image: 'evil:1' } }];
    const status = JSON.stringify({
      settingsHash: 'x',
      version: '1',
      templates: ['sidecar'],
      initContainers: ['istio-init', 'istio-proxy'],
      undo: { overrides },
    });
    const decision = decideOn(podWith({ annotations: { [statusAnnotation]: status } }));
    expect([decision.outcome, decision.reasons[0].code]).toEqual(['deny', 'IncompleteInjection']);
    expect(decision.reasons[0].message).toContain('container "evil"');
  });
});

describe('in the mode istiod', () => {
  const hardened = istiodSnapshot({}, { spec: { istiod: { hardened: true, values: { global: { tag: '1.28.0' } } } } });

  test.each([
    ['plain', istiodSnapshot()],
    ['hardened', hardened],
  ])('a copy without annotations is injected: %s', (_what, snapshot) => {
    const { pod } = injectWithIstiod(istioPod(), snapshot);
    const copy = injectWithIstiod({ metadata: { name: 'copy' }, spec: pod['spec'] }, snapshot);
    const { containers, initContainers } = copy.pod['spec'] as unknown as InjectedPod['spec'];
    expect([namesOf(initContainers), namesOf(containers)]).toEqual([['istio-init', 'istio-proxy'], ['app']]);
  });

  test('a copy of a standalone proxy gets one of Istio’s', () => {
    const { container } = injectWithIstiod(copyOf(injectedPod(podWith())), istiodSnapshot());
    expect(container('istio-proxy')).toMatchObject({ args: expect.arrayContaining(['proxy', 'sidecar']) });
    expect(container('istio-proxy')).not.toHaveProperty('command');
  });
});
