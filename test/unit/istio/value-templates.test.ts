import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import { objectMember, objectsMember, type JsonObject } from '../../../src/json/json.ts';
import { injectionLabels } from '../../../src/injection/patch/injection-labels.ts';
import { readSettings } from '../../../src/settings/document.ts';
import { templateObject } from '../../support/builders/templates.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { injectWithIstiod, istioPod, istiodSnapshot, type Injected } from '../../support/processes/istiod.ts';

/*
 * Templates of Istio's values: a strategic merge patch of the whole pod. The values are those of Istio's own injector,
 * and every pod can be restored.
 */
function podFor(metadata: object, spec: object, templates: string): JsonObject {
  const { annotations = {}, ...more } = metadata as { annotations?: object };
  return istioPod({ ...more, annotations: { 'inject.istio.io/templates': templates, ...annotations } }, spec);
}

function laid(t: object | string, metadata: object = {}, spec: object = {}, templates = 'sidecar,t'): Injected {
  const pod = podFor(metadata, spec, templates);
  const injected = injectWithIstiod(pod, istiodSnapshot({ sidecarInjectorWebhook: { templates: { t } } }));
  const undone = undo(injected.pod);
  expect(undone?.problems).toEqual([]);
  expect(applyToValue(injected.pod, undone?.operations ?? [])).toEqual(pod);
  return injected;
}

function specOf({ pod }: Injected): JsonObject {
  return objectMember(pod, 'spec') ?? {};
}

/** Labels of the pod, without ours, which Istio has none of. */
function labelsOf({ pod }: Injected): JsonObject {
  const ours: readonly string[] = Object.values(injectionLabels);
  const all = Object.entries(objectMember(objectMember(pod, 'metadata'), 'labels') ?? {});
  return Object.fromEntries(all.filter(([key]) => !ours.includes(key)));
}

const annotated = (annotations: object): object => ({ metadata: { annotations } });
const app = {
  name: 'app',
  image: 'shop:1',
  env: [
    { name: 'X', value: '1' },
    { name: 'Y', value: '2' },
  ],
};
const names = (injected: Injected, list: string): unknown[] =>
  objectsMember(specOf(injected), list).map((one) => one['name']);

describe('Istio decides on the pod as the templates leave it', () => {
  test.each<[what: string, annotations: object, asked: object | undefined, port: string | undefined]>([
    ['merging switched off', { 'prometheus.istio.io/merge-metrics': 'false' }, undefined, undefined],
    ['a page of metrics', { 'prometheus.io/port': '8080' }, { scrape: '', path: '', port: '8080' }, '15020'],
    ['the agent’s own page', { 'prometheus.io/port': '15020' }, undefined, '15020'],
    ['no scraping', { 'prometheus.io/scrape': 'false' }, undefined, undefined],
  ])('%s', (_what, annotations, asked, port) => {
    const found = laid(annotated(annotations));
    const text = found.variable('ISTIO_PROMETHEUS_ANNOTATIONS');
    expect(text === undefined ? undefined : JSON.parse(text)).toEqual(asked);
    expect(found.annotation('prometheus.io/port')).toBe(port);
  });

  test('probes go to the port that a template names, or stay', () => {
    const containers = [{ name: 'app', readinessProbe: { httpGet: { port: 80, path: '/x' } } }];
    const there = laid(annotated({ 'status.sidecar.istio.io/port': '15099' }), {}, { containers });
    expect(there.container('app')).toMatchObject({ readinessProbe: { httpGet: { port: 15_099 } } });
    const off = laid(annotated({ 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' }), {}, { containers });
    expect(off.container('app')).toMatchObject({ readinessProbe: { httpGet: { port: 80, path: '/x' } } });
  });

  test.each<[annotations: Record<string, string>, port: string | undefined, asked: boolean]>([
    [{ 'prometheus.istio.io/merge-metrics': 'false' }, undefined, false],
    [{ 'prometheus.io/port': '8080' }, '15020', true],
  ])('so it does with a SidecarTemplate: %j', (annotations, port, asked) => {
    const template = templateObject('clock', {
      annotations,
      labels: { app: 'clock', mine: 'yes' },
      containers: [{ name: 'clock', image: 'clock:1' }],
    });
    const settings = { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } };
    const pod = podFor({ labels: { app: 'shop' } }, {}, 'sidecar,clock');
    const found = injectWithIstiod(pod, snapshotOf(settings, { templates: [template] }));
    expect(found.annotation('prometheus.io/port')).toBe(port);
    expect(found.variable('ISTIO_PROMETHEUS_ANNOTATIONS') !== undefined).toBe(asked);
    expect(labelsOf(found)).toMatchObject({ app: 'shop', mine: 'yes' });
    expect(applyToValue(found.pod, undo(found.pod)?.operations ?? [])).toEqual(pod);
  });
});

describe('directives', () => {
  test.each<[what: string, labels: object, expected: object]>([
    ['replace', { $patch: 'replace', x: 'y' }, { x: 'y' }],
    ['delete', { $patch: 'delete' }, {}],
    ['null', { app: null }, expect.not.objectContaining({ app: expect.anything() })],
  ])('%s of labels', (_what, labels, expected) => {
    const found = laid(
      { metadata: { labels } },
      { labels: { app: 'z', 'app.kubernetes.io/name': 'q' } },
      {},
      'grpc-simple,t',
    );
    expect(labelsOf(found)).toEqual(expected);
  });

  test.each<[what: string, patch: object, expected: unknown[]]>([
    ['replace', { env: [{ $patch: 'replace' }, { name: 'Z', value: '3' }] }, ['Z']],
    ['order', { '$setElementOrder/env': [{ name: 'TRUST_DOMAIN' }, { name: 'CA_ADDR' }] }, ['TRUST_DOMAIN', 'CA_ADDR']],
    ['delete', { env: [{ name: 'CA_ADDR', $patch: 'delete' }] }, ['TRUST_DOMAIN']],
  ])('%s of the proxy’s variables', (_what, patch, expected) => {
    const found = laid({ spec: { containers: [{ name: 'istio-proxy', ...patch }] } });
    const variables = objectsMember(found.container('istio-proxy'), 'env').map((one) => one['name']);
    const shown = new Set<unknown>(['TRUST_DOMAIN', 'CA_ADDR', 'Z']);
    expect(variables.filter((name) => shown.has(name))).toEqual(expected);
  });

  test('what the pod itself says of a container stays, as it does in Istio', () => {
    const patch = { name: 'app', env: [{ $patch: 'replace' }, { name: 'Z', value: '3' }] };
    const found = laid({ spec: { containers: [patch] } }, {}, { containers: [app] });
    expect(objectsMember(found.container('app'), 'env').map((one) => one['name'])).toEqual(['X', 'Y', 'Z']);
  });

  test('delete of a container, a volume and a pull secret of the pod', () => {
    const spec = {
      containers: [{ name: 'debug', image: 'd' }, app],
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'w', emptyDir: {} },
      ],
      imagePullSecrets: [{ name: 'a' }, { name: 'b' }],
    };
    const patch = {
      containers: [{ name: 'debug', $patch: 'delete' }],
      volumes: [{ name: 'v', $patch: 'delete' }],
      imagePullSecrets: [{ name: 'b', $patch: 'delete' }],
    };
    const found = laid({ spec: patch }, {}, spec);
    expect(names(found, 'containers')).toEqual(['app']);
    expect(names(found, 'volumes')).toEqual(expect.not.arrayContaining(['v']));
    expect(names(found, 'imagePullSecrets')).toEqual(['a']);
    expect(undo(found.pod)?.restored).toEqual(
      expect.arrayContaining(['container "debug" (image)', 'volume "v" (emptyDir)', "the pod's imagePullSecrets"]),
    );
  });

  test('the order of containers', () => {
    const order = { '$setElementOrder/containers': [{ name: 'app' }, { name: 'b' }] };
    const found = laid({ spec: order }, {}, { containers: [{ name: 'z' }, { name: 'b' }, app] }, 'grpc-simple,t');
    expect(names(found, 'containers')).toEqual(['z', 'app', 'b']);
  });

  test('retained keys of a volume', () => {
    const volumes = [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }];
    const found = laid({ spec: { volumes } }, {}, { volumes: [{ name: 'v', emptyDir: {} }] });
    expect(found.volume('v')).toEqual({ name: 'v', configMap: { name: 'c' } });
  });

  test.each<[template: object, place: string, message: string]>([
    [
      { metadata: { labels: { $patch: 'mrege' } } },
      'metadata.labels.$patch',
      '"mrege" is not allowed; allowed: replace, delete',
    ],
    [
      { spec: { containers: [{ name: 'a', env: [{ $patch: 'merge', name: 'x' }] }] } },
      'spec.containers[0].env[0].$patch',
      '"merge" is not allowed; allowed: replace, delete',
    ],
    [
      { spec: { containers: [{ name: 'a', env: [{ value: 'x' }] }] } },
      'spec.containers[0].env[0].name',
      'is missing: by this member the list is merged',
    ],
    [
      { spec: { volumes: [{ name: 'v', $retainKeys: ['name'], emptyDir: {} }] } },
      'spec.volumes[0].$retainKeys',
      'must name emptyDir, which the patch sets',
    ],
    [
      { spec: { containers: [{ name: 'a', '$setElementOrder/env': [{ name: 'Y' }], env: [{ name: 'Z' }] }] } },
      'spec.containers[0].$setElementOrder/env',
      'must name every item of env here, in the same order',
    ],
    [
      { spec: { tolerations: [{ $patch: 'replace' }] } },
      'spec.tolerations[0].$patch',
      'stands in tolerations, a list that is replaced as a whole; directives have no meaning there',
    ],
    [{ spec: { containers: [{ name: 'a', $ptach: 'x' }] } }, 'spec.containers[0].$ptach', 'must be a list'],
    [
      { spec: { $patch: 'replace' } },
      'spec.$patch',
      expect.stringContaining('unknown key; allowed: activeDeadlineSeconds, ') as unknown as string,
    ],
    [{ spec: { toleration: [] } }, 'spec.toleration', 'unknown key, did you mean "tolerations"?'],
    [{ metadata: { name: 'x' } }, 'metadata.name', 'unknown key; allowed: labels, annotations'],
    [
      { spec: { containers: [{ image: 'x' }] } },
      'spec.containers[0].name',
      'is missing: by this member the list is merged',
    ],
  ])('%j is refused with the settings', (t, place, message) => {
    const values = { sidecarInjectorWebhook: { templates: { t } } };
    const read = readSettings({
      apiVersion: 'sidecar-injector.io/v1alpha1',
      kind: 'InjectorConfiguration',
      spec: { istiod: { values } },
    });
    const where = `spec.istiod.values.sidecarInjectorWebhook.templates.t.${place}`;
    expect('problems' in read ? read.problems : []).toEqual([{ where, message }]);
  });
});

describe('members of the pod’s spec', () => {
  test('are laid over the pod’s own: lists by their keys, others as a whole', () => {
    const own = {
      hostAliases: [
        { ip: '3.3.3.3', hostnames: ['q'] },
        { ip: '1.1.1.1', hostnames: ['y'] },
      ],
      dnsConfig: { nameservers: ['4.4.4.4'], options: [{ name: 'a' }] },
      tolerations: [{ key: 'own' }],
      schedulerName: 's',
      nodeSelector: { c: 'd' },
    };
    const patch = {
      hostAliases: [{ ip: '1.1.1.1', hostnames: ['x'] }],
      dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
      tolerations: [{ key: 'x', operator: 'Exists' }],
      schedulerName: null,
      nodeSelector: { $patch: 'replace', a: 'b' },
      serviceAccountName: 'sa',
      securityContext: { fsGroup: 7 },
    };
    const { hostAliases, dnsConfig, tolerations, nodeSelector, ...rest } = specOf(laid({ spec: patch }, {}, own));
    expect({ hostAliases, dnsConfig, tolerations, nodeSelector }).toEqual({
      hostAliases: [
        { ip: '3.3.3.3', hostnames: ['q'] },
        { ip: '1.1.1.1', hostnames: ['x'] },
      ],
      dnsConfig: { nameservers: ['4.4.4.4'], options: [{ name: 'ndots', value: '1' }] },
      tolerations: [{ key: 'x', operator: 'Exists' }],
      nodeSelector: { a: 'b' },
    });
    expect(rest).toMatchObject({ serviceAccountName: 'sa', securityContext: { fsGroup: 7 } });
    expect(rest).not.toHaveProperty('schedulerName');
  });

  test('text is read as the pod that it is', () => {
    const text = 'apiVersion: v1\nkind: Pod\nspec:\n  tolerations: [{key: x}]\n';
    expect(specOf(laid(text))['tolerations']).toEqual([{ key: 'x' }]);
  });

  test('hardened settings refuse those that give the pod more rights', () => {
    const templates = { t: { spec: { hostPID: true, serviceAccountName: 'admin', tolerations: [] } } };
    const istiod = { hardened: true, values: { global: { tag: '1' }, sidecarInjectorWebhook: { templates } } };
    const place = String.raw`spec\.istiod\.values\.sidecarInjectorWebhook\.templates\.t\.spec\.`;
    const message = 'is not allowed with spec.istiod.hardened, because any pod may select the template; remove it';
    expect(() => snapshotOf({ mode: 'istiod', istiod })).toThrow(
      new RegExp(`${place}hostPID: ${message}[^]*${place}serviceAccountName: ${message}`),
    );
  });
});

describe('places in the lists', () => {
  test('a container that a template changes stays between its neighbours, and so do probes', () => {
    const probe = { readinessProbe: { httpGet: { port: 80, path: '/x' } } };
    const containers = [{ name: 'a', ...probe }, { name: 'b' }, { name: 'c', ...probe }, { name: 'd', ...probe }];
    const patch = { containers: [{ name: 'b', env: [{ name: 'Q', value: '1' }] }] };
    const found = laid({ spec: patch }, {}, { containers });
    expect(names(found, 'containers')).toEqual(['a', 'b', 'c', 'd']);
    for (const name of ['a', 'c', 'd']) {
      expect(found.container(name)).toMatchObject({ readinessProbe: { httpGet: { port: 15_020 } } });
    }
  });

  test('a volume of the pod’s before one that a template changes too', () => {
    const volumes = [
      { name: 'v', emptyDir: {} },
      { name: 'istio-data', emptyDir: { medium: 'Memory' } },
      { name: 'w' },
    ];
    const found = laid({}, {}, { volumes });
    expect(names(found, 'volumes').slice(-7)).toEqual([
      'v',
      'istio-data',
      'istio-podinfo',
      'istio-token',
      'istiod-ca-cert',
      'istio-ca-crl',
      'w',
    ]);
  });
});

test('a template that takes out what another one mounts is refused with a reason', () => {
  const t = { spec: { volumes: [{ name: 'istio-ca-crl', $patch: 'delete' }] } };
  const snapshot = istiodSnapshot({ sidecarInjectorWebhook: { templates: { t } } });
  const { outcome, reasons } = decide({ pod: podFor({}, {}, 'sidecar,t'), namespace: 'demo' }, snapshot);
  expect([outcome, reasons[0].code]).toEqual(['deny', 'MissingInPod']);
  expect(reasons[0].message).toContain('container "istio-proxy" mounts volume "istio-ca-crl"');
});

test('a limit of a template below the request of the pod’s container follows it', () => {
  const t = { spec: { containers: [{ name: 'app', resources: { limits: { memory: '64Mi', cpu: '1' } } }] } };
  const asking = { name: 'app', image: 'shop:1', resources: { requests: { memory: '128Mi', cpu: '100m' } } };
  expect(laid(t, {}, { containers: [asking] }).container('app')?.['resources']).toEqual({
    requests: { memory: '128Mi', cpu: '100m' },
    limits: { memory: '128Mi', cpu: '1' },
  });
});

test('a port that a template lays over a probe that was rewritten before is rewritten again', () => {
  const t = { spec: { containers: [{ name: 'extra', image: 'extra:1', livenessProbe: { httpGet: { port: 8080 } } }] } };
  const probe = { httpGet: { port: 15_020, path: '/app-health/extra/livez' } };
  const extra = { name: 'extra', image: 'extra:1', livenessProbe: probe };
  const status = JSON.stringify({ initContainers: ['istio-init', 'istio-proxy'], containers: ['extra'] });
  const annotations = { 'inject.istio.io/templates': 'sidecar,t', 'sidecar.istio.io/status': status };
  const pod = istioPod({ annotations }, { containers: [app, extra] });
  const found = injectWithIstiod(pod, istiodSnapshot({ sidecarInjectorWebhook: { templates: { t } } }));
  expect(found.container('extra')?.['livenessProbe']).toEqual(probe);
});

test('a gRPC probe of the pod’s own copy without a service takes out that of a template', () => {
  const t = { spec: { containers: [{ name: 'istio-proxy', livenessProbe: { grpc: { port: 1, service: 'x' } } }] } };
  const copy = { name: 'istio-proxy', image: 'auto', livenessProbe: { grpc: { port: 9000 } } };
  const proxy = laid(
    t,
    { annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } },
    { containers: [app, copy] },
  ).container('istio-proxy');
  expect(proxy?.['livenessProbe']).toEqual({ grpc: { port: 9000 } });
});
