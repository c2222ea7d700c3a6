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

  test('an action replaces ours, and a variable replaces the one of its name whole', () => {
    const proxy = containerOf(
      injectedPod(
        withProxy({
          readinessProbe: { exec: { command: ['true'] } },
          startupProbe: { periodSeconds: 7 },
          lifecycle: { preStop: { sleep: { seconds: 3 } } },
          env: [{ name: 'POD_NAME', value: 'fixed' }],
        }),
      ),
      'istio-proxy',
    );
    expect(proxy['readinessProbe']).toMatchObject({
      exec: { command: ['true'] },
      failureThreshold: expect.any(Number),
    });
    expect(proxy['readinessProbe']).not.toHaveProperty('httpGet');
    expect(proxy['startupProbe']).toMatchObject({ httpGet: { port: 15_021 }, periodSeconds: 7 });
    expect(proxy['lifecycle']).toEqual({ preStop: { sleep: { seconds: 3 } } });
    expect(proxy['env']).toContainEqual({ name: 'POD_NAME', value: 'fixed' });
  });

  test('a name stands for one port', () => {
    const ports = [
      { containerPort: 9999, name: 'http-envoy-prom' },
      { containerPort: 15_090, name: 'udp', protocol: 'UDP' },
    ];
    expect(containerOf(injectedPod(withProxy({ ports })), 'istio-proxy')['ports']).toEqual([
      { containerPort: 15_090, protocol: 'TCP' },
      ...ports,
    ]);
  });

  const plain = containerOf(injectedPod(podWith()), 'istio-proxy');
  const hardened = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  };

  test.each<[string, JsonObject]>([
    ['what we set ourselves', { securityContext: plain['securityContext'] as JsonObject }],
    ['what a policy writes into every container', { securityContext: hardened }],
    ['what OpenShift drops', { securityContext: { capabilities: { drop: ['KILL', 'MKNOD'] }, procMount: 'Default' } }],
    ['our command', { command: ['envoy'] }],
    ['fields that say nothing', { tty: false, stdin: false, workingDir: '', args: [], resizePolicy: [] }],
    ['default policies', { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }],
    ['our own policy', { terminationMessagePolicy: 'FallbackToLogsOnError' }],
  ])('may have %s, and ours stays', (_what, fields) => {
    expect(containerOf(injectedPod(withProxy({ image: 'auto', ...fields })), 'istio-proxy')).toEqual(plain);
    const injected = injectedPod(withProxy({ image: 'auto', ...fields })) as unknown as JsonObject;
    expect(undo(injected)?.problems).toEqual([]);
    const fixed = snapshotOf({ profiles: [{ name: 'f', namespaces: ['*'], caps: { capture: 'fixed' } }] });
    expect(decideOn(withProxy({ image: 'auto', ...fields }), fixed).outcome).toBe('inject');
  });

  test.each<[string, JsonObject]>([
    ['no root file system to write to', { readOnlyRootFilesystem: false }],
    ['more capabilities', { capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } }],
    ['capabilities of another form', { capabilities: 'ALL' }],
    ['root', { runAsNonRoot: false }],
    ['escalation', { allowPrivilegeEscalation: true }],
    ['no seccomp profile', { seccompProfile: { type: 'Unconfined' } }],
    ['a seccomp profile of its own', { seccompProfile: { type: 'Localhost', localhostProfile: 'x' } }],
    ['another view of the processes', { procMount: 'Unmasked' }],
    ['Windows', { windowsOptions: { hostProcess: true } }],
  ])('what is softer than ours is refused: %s', (_what, securityContext) => {
    const pod = podWith({
      spec: { os: { name: 'linux' }, containers: [app, { name: 'istio-proxy', image: 'auto', securityContext }] },
    });
    expect(decideOn(pod).reasons.map(({ code }) => code)).toEqual(['InvalidOverride']);
  });

  test("the platform's user, which every container has, is not the proxy's", () => {
    const platform = { runAsUser: 1_000_650_000, runAsGroup: 1_000_650_000 };
    const containers = [
      { ...app, securityContext: platform },
      { name: 'istio-proxy', image: 'auto', securityContext: { ...platform, runAsGroup: 4001 } },
    ];
    const initContainers = [{ name: 'istio-init', image: 'auto', securityContext: platform }];
    const pod = podWith({ spec: { containers, initContainers } });
    const injected = injectedPod(pod);
    expect(containerOf(injected, 'istio-proxy')['securityContext']).toMatchObject({
      runAsUser: 1337,
      runAsGroup: 4001,
    });
    expect(containerOf(injected, 'istio-init')['securityContext']).toMatchObject({ runAsUser: 0, runAsGroup: 0 });
    expect(rulesOf(injected).join('\n')).not.toContain('1000650000');
    expect(decideOn(pod).warnings.join('\n')).toContain(
      'container "istio-proxy": runAsUser 1000650000 is that of another container and is not taken',
    );
    expect(undo(injected as unknown as JsonObject)?.problems).toEqual([]);
  });

  const one = { name: 'istio-proxy', image: 'auto' };

  test.each<[string, JsonObject]>([
    ['in one list', { containers: [app, one, { ...one, command: ['sh'] }] }],
    ['in two lists', { containers: [app, one], initContainers: [{ ...one, command: ['sh'] }] }],
    ['in the other order', { containers: [app, { ...one, command: ['sh'] }, one] }],
  ])('each of several is checked, %s', (_, spec) => {
    const { outcome, reasons } = decideOn(podWith({ spec }));
    expect([outcome, reasons.map(({ code }) => code)]).toEqual(['deny', ['InvalidOverride']]);
  });

  test('several make one container, and nothing is left of them', () => {
    const pod = injectedPod(podWith({ spec: { containers: [app, one, one], initContainers: [one] } }));
    const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    expect(all.map(({ name }) => name)).toEqual(['istio-init', 'istio-proxy', 'app']);
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

  test('may hold what a policy writes into every container; its rights stay', () => {
    const securityContext = {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    };
    const plain = containerOf(injectedPod(pod({})), 'istio-init');
    const injected = injectedPod(pod({ securityContext }));
    expect(containerOf(injected, 'istio-init')).toEqual(plain);
    expect(decideOn(pod({ securityContext })).warnings.join('\n')).toContain('runAsNonRoot is not taken');
    expect(undo(injected as unknown as JsonObject)?.problems).toEqual([]);
    expect(decideOn(pod({ securityContext: plain['securityContext'] as JsonObject })).outcome).toBe('inject');
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
