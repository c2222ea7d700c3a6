import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { createSnapshot } from '../../../src/injection/build-snapshot.ts';
import { objectsMember, type JsonObject } from '../../../src/json/json.ts';
import { decide } from '../../../src/index.ts';
import { containerOf, injectedPod, podWith } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/profiles.md'), 'utf8');
const documented = parse(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? '') as { spec: object };
const snapshot = snapshotOf(documented.spec);

function decideIn(namespace: string, pod: JsonObject, from = snapshot) {
  return decide({ pod, namespace }, from);
}

function profileOf(namespace: string, labels: JsonObject) {
  return decideIn(namespace, podWith({ labels })).added?.profile;
}

const label = (name: string) => ({ 'sidecar-injector.io/profile': name });

describe('the documented profiles', () => {
  test.each<[string, string, JsonObject, string | undefined]>([
    ['a namespace', 'batch', {}, 'batch'],
    ['a pattern', 'batch-7', {}, 'batch'],
    ['a selector', 'shop', { tier: 'edge' }, 'edge'],
    ['a name', 'shop', label('large'), 'large'],
    ['the name of the built-in one', 'shop', label('small'), 'small'],
    ['a namespace before the built-in one', 'batch', label('small'), 'batch'],
    ['nothing', 'shop', {}, undefined],
    ['the first one, whatever the pod asks for', 'batch', { ...label('large'), tier: 'edge' }, 'batch'],
    ['an unknown name', 'shop', label('huge'), undefined],
    ['a selector’s name', 'shop', label('edge'), undefined],
  ])('chosen by %s', (_, namespace, labels, profile) => {
    expect(profileOf(namespace, labels)).toBe(profile);
  });

  test.each([
    ['lrage', 'shop', '"lrage" is not a known profile, did you mean "large"?; the pod gets none'],
    ['x', 'shop', '"x" is not a known profile; known: batch, edge, large, small, mesh; the pod gets none'],
    ['large', 'batch', 'profile "large" is not for this pod; the pod gets "batch", which comes first'],
  ])('asked for in vain: %s in %s', (name, namespace, message) => {
    expect(decideIn(namespace, podWith({ labels: label(name) })).warnings).toEqual([
      `sidecar-injector: label sidecar-injector.io/profile: ${message}`,
    ]);
  });

  test('small of the settings takes the place of the built-in one', () => {
    const own = snapshotOf({ profiles: [{ name: 'small', resources: { requests: { cpu: '20m' } } }] });
    const proxy = containerOf(injectedPod(podWith({ labels: label('small') }), own), 'istio-proxy');
    expect(proxy['resources']).toEqual({
      requests: { cpu: '20m', memory: '128Mi' },
      limits: { cpu: '2', memory: '1Gi' },
    });
  });

  describe('chooses between native sidecars and classic containers', () => {
    const kindOf = (spec: object, annotations: JsonObject, hardened?: boolean): string => {
      const profiles = [{ name: 'p', namespaces: ['*'], ...spec }];
      const chosen =
        hardened === undefined
          ? snapshotOf({ profiles })
          : snapshotOf({
              mode: 'istiod',
              istiod: { values: { global: { tag: '1.28.0' } }, meshConfig: {}, hardened },
              profiles,
            });
      const pod = injectedPod(podWith({ annotations, labels: {} }), chosen);
      return objectsMember(pod['spec'] as JsonObject, 'initContainers').some(({ name }) => name === 'istio-proxy')
        ? 'native'
        : 'classic';
    };
    const asking = (value: string) => ({ 'sidecar.istio.io/nativeSidecar': value });

    test.each<[string, object, JsonObject, boolean | undefined]>([
      ['native', {}, {}, undefined],
      ['native', { nativeSidecars: 'always' }, {}, undefined],
      ['classic', { nativeSidecars: 'never' }, {}, undefined],
      ['native', { nativeSidecars: 'never' }, asking('true'), undefined],
      ['classic', { nativeSidecars: 'always' }, asking('false'), undefined],
      ['classic', { nativeSidecars: 'never' }, {}, true],
      ['native', { nativeSidecars: 'never' }, asking('true'), true],
      ['native', { nativeSidecars: 'never' }, {}, false],
    ])('%s with %j, annotations %j, hardened istiod: %j', (expected, spec, annotations, hardened) => {
      expect(kindOf(spec, annotations, hardened)).toBe(expected);
    });
  });

  test('patches the container', () => {
    const proxy = containerOf(injectedPod(podWith({ labels: { tier: 'edge' } }), snapshot), 'istio-proxy');
    expect(proxy['env']).toContainEqual({ name: 'TZ', value: 'Europe/Berlin' });
    expect(proxy['readinessProbe']).toHaveProperty('successThreshold', 2);
  });

  test('a patch that does not fit one pod denies it', () => {
    const annotations = { 'status.sidecar.istio.io/port': '0' };
    const decision = decideIn('shop', podWith({ labels: { tier: 'edge' }, annotations }));
    expect(decision).toMatchObject({
      outcome: 'deny',
      reasons: [{ code: 'ProfileMisfit', message: expect.stringContaining('(add /readinessProbe/successThreshold)') }],
    });
  });
});

describe('caps', () => {
  const traffic = 'traffic.sidecar.istio.io';

  test.each([
    ['sidecar.istio.io/proxyCPULimit', '1', '"1" is above the profile\'s cap; allowed: at most 500m'],
    ['sidecar-injector.io/initMemoryLimit', '1Gi', '"1Gi" is above the profile\'s cap; allowed: at most 256Mi'],
    ['sidecar.istio.io/logLevel', 'debug', "is more talkative than the profile's cap; allowed: info and above"],
    [
      'sidecar.istio.io/componentLogLevel',
      'http:error,jwt:trace',
      "is more talkative than the profile's cap; allowed: info and above",
    ],
    [`${traffic}/excludeOutboundPorts`, '443', "changes what is captured, which the pod's profile fixes; leave it out"],
    [`${traffic}/includeInboundPorts`, '', "changes what is captured, which the pod's profile fixes; leave it out"],
    [
      'sidecar.istio.io/interceptionMode',
      'NONE',
      "changes what is captured, which the pod's profile fixes; leave it out",
    ],
    [
      'proxy.istio.io/config',
      'interceptionMode: NONE',
      "changes what is captured, which the pod's profile fixes; leave it out",
    ],
  ])('%s: %s', (name, value, message) => {
    expect(decideIn('batch', podWith({ annotations: { [name]: value } })).reasons).toEqual([
      { code: 'InvalidAnnotation', message: `${name}: ${message}` },
    ]);
    expect(decideIn('shop', podWith({ annotations: { [name]: value } })).outcome).toBe('inject');
  });

  test.each([
    ['sidecar.istio.io/proxyCPULimit', '500m'],
    ['sidecar.istio.io/logLevel', 'warn'],
    [`${traffic}/includeInboundPorts`, '*'],
  ])('%s: %s keeps within them', (name, value) => {
    expect(decideIn('batch', podWith({ annotations: { [name]: value } })).outcome).toBe('inject');
  });

  test('hold for the pod’s own copy of the proxy', () => {
    const own = { name: 'istio-proxy', image: 'auto', resources: { limits: { cpu: 2, memory: '64Mi' } } };
    const pod = podWith({ spec: { containers: [{ name: 'app' }, own] } });
    expect(decideIn('batch', pod).reasons).toEqual([
      {
        code: 'InvalidOverride',
        message:
          'container "istio-proxy", resources.limits.cpu: "2" is above the profile\'s cap; allowed: at most 500m',
      },
    ]);
  });
});

describe('fixed capture is judged by the rules', () => {
  const probe = { httpGet: { port: 8080 } };
  const app = { name: 'app', readinessProbe: probe };
  const fixed = "changes what is captured, which the pod's profile fixes; leave it out";
  const podOf = (annotations: JsonObject, containers: JsonObject[] = [app]) =>
    podWith({ annotations, spec: { containers, volumes: [{ name: 'x', emptyDir: {} }] } });

  test.each<[string, JsonObject, JsonObject[]]>([
    ['probes that are rewritten', {}, [app]],
    [
      'no rewriting where there are no probes',
      { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' },
      [{ name: 'app' }],
    ],
    [
      'an own copy of the proxy with resources',
      {},
      [app, { name: 'istio-proxy', image: 'auto', resources: { limits: { cpu: '200m' } } }],
    ],
  ])('%s: the same rules', (_, annotations, containers) => {
    expect(decideIn('batch', podOf(annotations, containers)).outcome).toBe('inject');
  });

  test.each<[string, JsonObject]>([
    ['sidecar.istio.io/rewriteAppHTTPProbers', { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' }],
    ['status.sidecar.istio.io/port', { 'status.sidecar.istio.io/port': '8080' }],
    ['status.sidecar.istio.io/port', { 'status.sidecar.istio.io/port': '0' }],
  ])('%s that excludes a port of the application', (name, annotations) => {
    expect(decideIn('batch', podOf(annotations)).reasons).toEqual([
      { code: 'InvalidAnnotation', message: `${name}: ${fixed}` },
    ]);
  });

  test.each<[string, JsonObject]>([
    ['env', { env: [{ name: 'LD_PRELOAD', value: '/x.so' }] }],
    ['volumeMounts', { volumeMounts: [{ name: 'x', mountPath: '/etc' }] }],
    ['lifecycle', { lifecycle: { postStart: { exec: { command: ['sh'] } } } }],
    ['livenessProbe', { livenessProbe: { exec: { command: ['sh'] } } }],
    ['securityContext', { securityContext: { runAsUser: 1000 } }],
    ['securityContext', { securityContext: { runAsGroup: 1000 } }],
  ])('the own copy of the proxy may not run anything as its user: %s', (field, fields) => {
    const pod = podOf({}, [app, { name: 'istio-proxy', image: 'auto', ...fields }]);
    const message = `container "istio-proxy", ${field}: may not be set; allowed: name, image, resources`;
    expect(decideIn('batch', pod).reasons).toEqual([{ code: 'InvalidOverride', message }]);
    expect(decideIn('shop', pod).outcome).toBe('inject');
  });

  test('a container that comes later excludes no port either', () => {
    const injected = injectedPod(podOf({}), snapshot, 'batch');
    const annotations = { ...injected.metadata.annotations, 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' };
    const containers = [...injected.spec.containers, { name: 'late', readinessProbe: { httpGet: { port: 9090 } } }];
    const later = {
      ...injected,
      metadata: { ...injected.metadata, annotations },
      spec: { ...injected.spec, containers },
    };
    expect(decideIn('batch', later as unknown as JsonObject).reasons).toEqual([
      { code: 'InvalidAnnotation', message: `sidecar.istio.io/rewriteAppHTTPProbers: ${fixed}` },
    ]);
  });
});

test('the effective settings stand on the pod when it asks, without values that may be confidential', () => {
  const annotations = {
    'sidecar-injector.io/showSettings': 'true',
    'sidecar-injector.io/proxyEnv': '{"OTEL_KEY":"hunter2"}',
    'traffic.sidecar.istio.io/excludeOutboundPorts': '443,8000-8100',
  };
  const decision = decideIn(
    'batch-1',
    podWith({ annotations: { ...annotations, [Object.keys(annotations)[2] ?? '']: '' } }),
  );
  expect(decision.outcome).toBe('inject');
  const shown = injectedPod(podWith({ annotations, labels: { tier: 'edge' } }), snapshot).metadata.annotations;
  const settings = JSON.parse(shown['sidecar-injector.io/settings'] ?? '') as unknown;
  expect(settings).toMatchObject({
    profile: 'edge',
    proxy: { additions: { env: ['OTEL_KEY'] }, resources: { limits: { cpu: '2' } } },
    capture: { excludeOutboundPorts: [443, '8000-8100'] },
    patches: { proxy: 2 },
    caps: { capture: 'open' },
  });
  expect(shown['sidecar-injector.io/settings']).not.toContain('hunter2');
});

test.each<[string, object, string]>([
  ['a path that is not there', { op: 'replace', path: '/nothing/here', value: 1 }, '(replace /nothing/here)'],
  ['the name', { op: 'replace', path: '/name', value: 'x' }, 'changes name'],
  ['the restart policy', { op: 'remove', path: '/restartPolicy' }, 'restartPolicy'],
  ['the user', { op: 'replace', path: '/securityContext/runAsUser', value: 1000 }, 'runAsUser or runAsGroup'],
  ['the whole security context', { op: 'remove', path: '/securityContext' }, 'runAsUser or runAsGroup'],
  ['a prototype', { op: 'add', path: '/__proto__/x', value: 1 }, 'does not apply'],
  ['a failed test', { op: 'test', path: '/name', value: 'x' }, '(test /name)'],
])('a patch of %s is a problem of the settings', (_, operation, message) => {
  const result = createSnapshot({
    settings: { ...documented, spec: { profiles: [{ name: 'p', proxyPatch: [operation] }] } },
  });
  expect(result).toEqual({
    problems: expect.arrayContaining([{ where: 'spec.profiles[0]', message: expect.stringContaining(message) }]),
  });
});

test.each<[string, object]>([
  ['an unknown operation', { op: 'merge', path: '/env' }],
  ['no pointer', { op: 'remove', path: 'env' }],
  ['no value', { op: 'add', path: '/env/-' }],
])('%s is refused by the schema', (_, operation) => {
  const result = createSnapshot({
    settings: { ...documented, spec: { profiles: [{ name: 'p', initPatch: [operation] }] } },
  });
  expect('problems' in result && result.problems.map(({ where }) => where)).toEqual([
    expect.stringMatching(/^spec\.profiles\[0\]\.initPatch\[0\]/),
  ]);
});
