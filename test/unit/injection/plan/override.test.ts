import { describe, expect, test } from '@jest/globals';
import { undo } from '../../../../src/injection/patch/undo.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, namesOf, podWith, rulesOf } from '../../../support/builders/decisions.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';

const app = { name: 'app', image: 'app:1' };
const withProxy = (fields: JsonObject): JsonObject =>
  podWith({ spec: { containers: [app, { name: 'istio-proxy', ...fields }] } });

describe("the pod's own istio-proxy", () => {
  test('is merged field by field, moves to where ours belongs and is undone', () => {
    const pod = withProxy({
      image: 'auto',
      env: [{ name: 'MORE', value: 'x' }],
      resources: { limits: { memory: '2Gi' } },
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
      ports: [{ containerPort: 9999 }],
      terminationMessagePolicy: 'File',
      terminationMessagePath: '/dev/termination-log',
      imagePullPolicy: 'Always',
    });
    const injected = injectedPod({ ...pod, spec: { ...(pod['spec'] as JsonObject), volumes: [{ name: 'data' }] } });
    expect(namesOf(injected.spec.containers)).toEqual(['app']);
    const proxy = containerOf(injected, 'istio-proxy');
    expect(proxy['image']).toBe('envoyproxy/envoy:v1.40.0');
    expect(proxy['restartPolicy']).toBe('Always');
    expect(namesOf(proxy['env'] as { name: string }[])).toEqual(['POD_NAME', 'POD_NAMESPACE', 'POD_IP', 'MORE']);
    expect(proxy['resources']).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '2', memory: '2Gi' },
    });
    expect(proxy['terminationMessagePolicy']).toBe('FallbackToLogsOnError');
    const status = JSON.parse(injected.metadata.annotations['sidecar.istio.io/status'] ?? '') as { undo: JsonObject };
    expect(status.undo['overrides']).toEqual([
      { list: 'containers', index: 1, container: (pod['spec'] as { containers: unknown[] }).containers[1] },
    ]);
    expect(undo(injected as unknown as JsonObject)?.operations).toContainEqual({
      op: 'add',
      path: '/spec/containers/1',
      value: (pod['spec'] as { containers: unknown[] }).containers[1],
    });
  });

  test('the API token that the server mounted into it stays out', () => {
    const token = {
      name: 'kube-api-access-abcde',
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
      readOnly: true,
    };
    const mounts = containerOf(injectedPod(withProxy({ image: 'auto', volumeMounts: [token] })), 'istio-proxy')[
      'volumeMounts'
    ];
    expect(JSON.stringify(mounts)).not.toContain('kube-api-access');
    expect(JSON.stringify(mounts)).toContain('istio-token-mask');
  });

  test('its user and group reach the rules too', () => {
    const injected = injectedPod(withProxy({ image: 'auto', securityContext: { runAsUser: 4000, runAsGroup: 4001 } }));
    expect(containerOf(injected, 'istio-proxy')['securityContext']).toMatchObject({
      runAsUser: 4000,
      runAsGroup: 4001,
      runAsNonRoot: true,
    });
    const rules = rulesOf(injected).join('\n');
    expect(rules).toContain('--uid-owner 4000');
    expect(rules).toContain('--gid-owner 4001');
    expect(rules).not.toContain('1337');
  });

  test.each<[string, JsonObject, string]>([
    [
      'privileged',
      { securityContext: { privileged: true } },
      'container "istio-proxy", securityContext.privileged: may not be set; allowed: runAsUser, runAsGroup',
    ],
    [
      'capabilities',
      { securityContext: { capabilities: { add: ['SYS_ADMIN'] } } },
      'container "istio-proxy", securityContext.capabilities: may not be set; allowed: runAsUser, runAsGroup',
    ],
    [
      'root',
      { securityContext: { runAsUser: 0 } },
      'container "istio-proxy", securityContext.runAsUser: allowed: a number from 1 to 2147483647',
    ],
    [
      'command',
      { command: ['sh'] },
      'container "istio-proxy", command: may not be set; allowed: name, image, env, resources, ports, readinessProbe, livenessProbe, startupProbe, lifecycle, volumeMounts, securityContext',
    ],
    [
      'image',
      { image: 'evil:1' },
      'container "istio-proxy", image: "evil:1" is not allowed; allowed: auto, envoyproxy/envoy:v1.40.0',
    ],
  ])('may not set %s', (_name, fields, message) => {
    const decision = decideOn(withProxy({ image: 'auto', ...fields }));
    expect(decision.reasons).toEqual([{ code: 'InvalidOverride', message }]);
  });

  test('an image of the allow-list is taken', () => {
    const snapshot = snapshotOf({ proxy: { allowedImages: ['registry.example.com/envoy:*'] } });
    const injected = injectedPod(withProxy({ image: 'registry.example.com/envoy:v2' }), snapshot);
    expect(containerOf(injected, 'istio-proxy')['image']).toBe('registry.example.com/envoy:v2');
  });

  test('a pod with nothing else is refused', () => {
    const decision = decideOn(podWith({ spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] } }));
    expect(decision.reasons.map(({ message }) => message)).toEqual([
      'the pod has no container of its own beside the injected ones',
    ]);
  });
});

describe("the pod's own istio-init", () => {
  const pod = (fields: JsonObject) =>
    podWith({ spec: { initContainers: [{ name: 'istio-init', image: 'auto', ...fields }] } });

  test('may change its resources', () => {
    const injected = injectedPod(pod({ resources: { limits: { cpu: '1' } } }));
    expect(namesOf(injected.spec.initContainers)).toEqual(['istio-init', 'istio-proxy']);
    expect(containerOf(injected, 'istio-init')['resources']).toMatchObject({ limits: { cpu: '1', memory: '64Mi' } });
  });

  test('may hold what an API server writes into every container', () => {
    const token = { name: 'kube-api-access-x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    const plain = containerOf(injectedPod(pod({})), 'istio-init');
    const fields = {
      env: [],
      securityContext: {},
      volumeMounts: [token],
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      command: null,
    };
    expect(containerOf(injectedPod(pod(fields)), 'istio-init')).toEqual(plain);
  });

  test.each<[string, JsonObject]>([
    ['a variable', { env: [{ name: 'CAPTURE_RULES_V4', value: '*nat\nCOMMIT\n' }] }],
    ['a variable of an innocent name', { env: [{ name: 'TZ', value: 'UTC' }] }],
    ['variables from elsewhere', { envFrom: [{ configMapRef: { name: 'x' } }] }],
    ['a mount', { volumeMounts: [{ name: 'evil', mountPath: '/usr/local/bin' }] }],
    ['a device', { volumeDevices: [{ name: 'evil', devicePath: '/dev/x' }] }],
    ['a port', { ports: [{ containerPort: 1 }] }],
    ['a command', { command: ['sh'] }],
    ['arguments', { args: ['x'] }],
    ['a folder', { workingDir: '/evil' }],
    ['a hook', { lifecycle: { postStart: { exec: { command: ['sh'] } } } }],
    ['a probe', { startupProbe: { exec: { command: ['sh'] } } }],
    ['a user', { securityContext: { runAsUser: 5 } }],
    ['privileges', { securityContext: { privileged: true } }],
    ['a restart policy', { restartPolicy: 'Always' }],
    ['a terminal', { tty: true }],
  ])('may not set %s', (_name, fields) => {
    const [field = ''] = Object.keys(fields);
    expect(decideOn(pod(fields)).reasons).toEqual([
      {
        code: 'InvalidOverride',
        message: `container "istio-init", ${field}: may not be set; allowed: name, image, resources`,
      },
    ]);
  });

  test("runs the operator's image, whatever images the proxy may have", () => {
    const snapshot = snapshotOf({ proxy: { allowedImages: ['registry.example.com/*'] } });
    const decision = decideOn(pod({ image: 'registry.example.com/evil:1' }), snapshot);
    expect(decision.reasons.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^container "istio-init", image: "registry.example.com\/evil:1" is not allowed; allowed: auto, [^,]+$/,
      ),
    ]);
  });
});
