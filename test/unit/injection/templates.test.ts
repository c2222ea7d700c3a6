import { describe, expect, test } from '@jest/globals';
import jsonPatch from 'fast-json-patch';
import { decide } from '../../../src/index.ts';
import { joinPatch } from '../../../src/injection/patch/patch-text.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { decideOn, injectedPod, namesOf, podWith, type InjectedPod } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';
import { templateObject } from '../../support/builders/templates.ts';

type Templates = Readonly<Record<string, object>>;

const shipper = { name: 'shipper', image: 'shipper:1' };

function snapshotWith(templates: Templates, settings: object = {}) {
  return snapshotOf(settings, {
    templates: Object.entries(templates).map(([key, spec]) => templateObject(key.replace(/ .*/, ''), spec)),
  });
}

function asking(templates: string, annotations: JsonObject = {}, container: JsonObject = {}, spec: JsonObject = {}) {
  return podWith({ annotations: { 'inject.istio.io/templates': templates, ...annotations }, container, spec });
}

function inject(templates: Templates, pod: JsonObject, settings: object = {}): InjectedPod {
  return injectedPod(pod, snapshotWith(templates, settings));
}

function denials(templates: Templates, pod: JsonObject, settings: object = {}): string[] {
  const decision = decideOn(pod, snapshotWith(templates, settings));
  expect(decision.outcome).toBe('deny');
  return decision.reasons.map(({ code, message }) => `${code}: ${message}`);
}

/** Containers of both lists; the one of init containers may be absent. */
function containersOf({ spec }: InjectedPod) {
  return [...((spec as Partial<InjectedPod['spec']>).initContainers ?? []), ...spec.containers];
}
const appOf = (pod: InjectedPod) => pod.spec.containers.find(({ name }) => name === 'app');
const find = (pod: InjectedPod, name: string) => containersOf(pod).find((container) => container.name === name);

describe('shared files', () => {
  const share = (more: object = {}) => ({
    containers: [shipper],
    share: [
      { path: '/var/log/app', volume: { name: 'logs', emptyDir: {} }, with: [{ container: 'shipper' }], ...more },
    ],
  });

  test('a folder of the application becomes a volume of both, writable for the application alone', () => {
    const pod = inject({ a: share() }, asking('a'));
    expect(appOf(pod)?.['volumeMounts']).toEqual([{ name: 'logs', mountPath: '/var/log/app' }]);
    expect(find(pod, 'shipper')?.['volumeMounts']).toEqual([
      { name: 'logs', mountPath: '/var/log/app', readOnly: true },
    ]);
    expect(pod.spec.volumes).toEqual([{ name: 'logs', emptyDir: {} }]);
  });

  test.each<[string, JsonObject, JsonObject]>([
    ['at that path', { mountPath: '/var/log/app' }, {}],
    ['at that path with a slash', { mountPath: '/var/log/app/' }, {}],
    ['at that path with a folder of it', { mountPath: '/var/log/app', subPath: 'x/y' }, { subPath: 'x/y' }],
    ['above it', { mountPath: '/var/log' }, { subPath: 'app' }],
    ['above it with a folder of it', { mountPath: '/var/log', subPath: 'x' }, { subPath: 'x/app' }],
  ])('a volume that the application has %s is taken, read-only', (_name, mount, expected) => {
    const volumeMounts = [{ name: 'own', ...mount }];
    const pod = inject({ a: share() }, asking('a', {}, { volumeMounts }, { volumes: [{ name: 'own', emptyDir: {} }] }));
    expect(appOf(pod)?.['volumeMounts']).toEqual(volumeMounts);
    expect(find(pod, 'shipper')?.['volumeMounts']).toEqual([
      { name: 'own', mountPath: '/var/log/app', readOnly: true, ...expected },
    ]);
    expect(namesOf(pod.spec.volumes)).toEqual(['own']);
  });

  test('appears where the template says, writable when it says so', () => {
    const pod = inject(
      { a: share({ with: [{ container: 'shipper', mountPath: '/in', readOnly: false }] }) },
      asking('a'),
    );
    expect(find(pod, 'shipper')?.['volumeMounts']).toEqual([{ name: 'logs', mountPath: '/in' }]);
  });

  test('nothing to share is a denial, unless the sidecar does without', () => {
    const pod = asking('a');
    expect(denials({ a: share({ volume: undefined }) }, pod)).toEqual([
      'MissingInPod: sidecar "a" shares "/var/log/app", where no container of the pod has a volume; mount one there',
    ]);
    expect(find(inject({ a: share({ volume: undefined, optional: true }) }, pod), 'shipper')).toEqual(shipper);
  });

  test('two sidecars share one folder', () => {
    const second = {
      containers: [{ name: 'second', image: 's:1' }],
      share: [{ path: '/var/log/app', with: [{ container: 'second' }] }],
    };
    const pod = inject({ a: share(), b: second }, asking('a,b'));
    expect(find(pod, 'second')?.['volumeMounts']).toEqual([
      { name: 'logs', mountPath: '/var/log/app', readOnly: true },
    ]);
  });

  test.each<[string, JsonObject, string]>([
    [
      'different volumes there',
      { mountPath: '/var/log/app', name: 'two' },
      'MountConflict: sidecar "a" shares "/var/log/app", where container "app" mounts volume "one" and container "other" volume "two"',
    ],
    [
      'an expression',
      { mountPath: '/var/log/app', name: 'one', subPathExpr: '$(POD)' },
      'MountConflict: sidecar "a" shares "/var/log/app", which container "app" mounts with subPathExpr; only subPath can be shared',
    ],
  ])('%s is a denial that names both sides', (_name, mount, expected) => {
    const own = { name: 'app', volumeMounts: [{ name: 'one', mountPath: '/var/log/app' }] };
    const pod = podWith({
      annotations: { 'inject.istio.io/templates': 'a' },
      spec: { containers: [own, { name: 'other', volumeMounts: [mount] }] },
    });
    expect(denials({ a: share() }, pod)).toEqual([expected]);
  });
});

describe('changes of the application', () => {
  const two: JsonObject = {
    containers: [
      { name: 'app', image: 'a' },
      { name: 'other', image: 'o' },
    ],
    initContainers: [{ name: 'first', image: 'f' }],
  };
  const change = (containers: unknown) => ({ application: [{ containers, env: [{ name: 'LOG', value: 'json' }] }] });

  test.each<[unknown, string[]]>([
    [undefined, ['app', 'other']],
    ['all', ['app', 'other']],
    ['first', ['app']],
    [
      ['other', 'first'],
      ['first', 'other'],
    ],
  ])('containers %j', (selector, expected) => {
    const pod = inject({ a: change(selector) }, asking('a', {}, {}, two));
    const changed = containersOf(pod).filter((container) => container['env'] !== undefined);
    expect(namesOf(changed)).toEqual(expected);
  });

  test('a container that is not there is a denial', () => {
    expect(denials({ a: change(['web']) }, asking('a'))).toEqual([
      'MissingInPod: sidecar "a" is for container "web", which the pod does not have',
    ]);
  });

  test("a variable of the pod's own stays and a warning says so", () => {
    const pod = asking('a', {}, { env: [{ name: 'LOG', value: 'text' }] });
    const snapshot = snapshotWith({ a: change('all') });
    expect(appOf(injectedPod(pod, snapshot))?.['env']).toEqual([{ name: 'LOG', value: 'text' }]);
    expect(decideOn(pod, snapshot).warnings).toEqual([
      'sidecar-injector: container "app" keeps its own variable LOG; sidecar "a" sets it too',
    ]);
  });
});

describe('conflicts name both sides', () => {
  const port = (name: string, more: JsonObject = {}) => ({
    containers: [{ name, image: 'i', ports: [{ containerPort: 9100, ...more }] }],
  });
  const mount = (name: string) => ({
    volumes: [{ name, emptyDir: {} }],
    application: [{ volumeMounts: [{ name, mountPath: '/x' }] }],
  });

  test.each<[string, Templates, JsonObject, string[]]>([
    [
      'a port of two sidecars',
      { a: port('one'), b: port('two') },
      asking('a,b'),
      ['PortConflict: TCP port 9100 of sidecar "b" is also used by sidecar "a"; change one of them'],
    ],
    [
      "a port of the pod's own",
      { a: port('one') },
      asking('a', {}, { ports: [{ containerPort: 9100 }] }),
      ['PortConflict: TCP port 9100 of sidecar "a" is also used by container "app" of the pod; change one of them'],
    ],
    [
      'a port of the proxy',
      { a: { containers: [{ ...shipper, ports: [{ containerPort: 15_021 }] }] } },
      asking('a,sidecar'),
      ['PortConflict: TCP port 15021 of sidecar "a" is also used by sidecar "sidecar"; change one of them'],
    ],
    [
      'a container of two sidecars',
      { a: { containers: [shipper] }, b: { containers: [shipper] } },
      asking('a,b'),
      ['NameConflict: container "shipper" of sidecar "b" is also in a; rename one of them'],
    ],
    [
      'a mount of two sidecars',
      { a: mount('one'), b: mount('two') },
      asking('a,b'),
      ['MountConflict: sidecar "b" mounts "/x" into container "app", where sidecar "a" mounts volume "one"'],
    ],
    [
      "a mount of the pod's own",
      { a: mount('one') },
      asking('a', {}, { volumeMounts: [{ name: 'own', mountPath: '/x/' }] }),
      ['MountConflict: sidecar "a" mounts "/x" into container "app", where the pod mounts volume "own"'],
    ],
    [
      'a variable of two sidecars',
      {
        a: { application: [{ env: [{ name: 'X', value: '1' }] }] },
        b: { application: [{ env: [{ name: 'X', value: '2' }] }] },
      },
      asking('a,b'),
      ['NameConflict: variable "X" of sidecar "b" for container "app" is also set by sidecar "a"'],
    ],
    [
      'declared ones',
      { a: { conflicts: ['b'], containers: [shipper] }, b: {} },
      asking('a,b'),
      ['TemplateConflict: sidecar "a" does not go together with sidecar "b"; choose one'],
    ],
    [
      'declared ones with the proxy',
      { a: { conflicts: ['sidecar'], containers: [shipper] } },
      asking('sidecar,a'),
      ['TemplateConflict: sidecar "a" does not go together with sidecar "sidecar"; choose one'],
    ],
  ])('%s', (_name, templates, pod, expected) => expect(denials(templates, pod)).toEqual(expected));

  test('the same port of another protocol is none', () => {
    const pod = inject({ a: port('one'), b: port('two', { protocol: 'UDP' }) }, asking('a,b'));
    expect(namesOf(pod.spec.containers)).toEqual(['app', 'one', 'two']);
  });
});

describe('parameters', () => {
  const spec = {
    containers: [{ ...shipper, env: [{ name: 'HOST', value: 'default' }], resources: { limits: { memory: '64Mi' } } }],
    volumes: [{ name: 'tls', secret: { secretName: 'none' } }],
    parameters: [
      { annotation: 'a.sidecar-injector.io/host', field: '/containers/0/env/0/value', type: 'string' },
      {
        annotation: 'a.sidecar-injector.io/memory',
        field: '/containers/0/resources/limits/memory',
        type: 'quantity',
        maximum: '1Gi',
      },
      { annotation: 'a.sidecar-injector.io/secret', field: '/volumes/0/secret/secretName', type: 'secretName' },
    ],
  };

  test('set one whole field each, and Kubernetes expands nothing of their text', () => {
    const pod = inject(
      { a: spec },
      asking('a', { 'a.sidecar-injector.io/host': 'x$(Y)$', 'a.sidecar-injector.io/memory': '128Mi' }),
    );
    expect(find(pod, 'shipper')).toMatchObject({
      env: [{ name: 'HOST', value: 'x$$(Y)$$' }],
      resources: { limits: { memory: '128Mi' } },
    });
    expect(find(inject({ a: spec }, asking('a')), 'shipper')).toMatchObject({ env: [{ value: 'default' }] });
  });

  test('all bad values of a pod come at once', () => {
    const pod = asking('a', { 'a.sidecar-injector.io/host': 'a\nb', 'a.sidecar-injector.io/memory': '2Gi' });
    expect(denials({ a: spec }, pod)).toEqual([
      String.raw`InvalidAnnotation: a.sidecar-injector.io/host: "a\nb" is not allowed; allowed: a text without control characters`,
      'InvalidAnnotation: a.sidecar-injector.io/memory: "2Gi" is not allowed; allowed: a Kubernetes quantity such as 100m or 128Mi up to 1Gi',
    ]);
  });

  test('a required one that is missing is a denial', () => {
    const [first] = spec.parameters;
    expect(denials({ a: { ...spec, parameters: [{ ...first, required: true }] } }, asking('a'))).toEqual([
      'InvalidAnnotation: a.sidecar-injector.io/host: is missing: sidecar "a" needs it; allowed: a text without control characters',
    ]);
  });

  test('a misspelt one is a warning', () => {
    const decision = decideOn(asking('a', { 'a.sidecar-injector.io/hots': 'x' }), snapshotWith({ a: spec }));
    expect(decision.warnings).toEqual([
      'sidecar-injector: annotation "a.sidecar-injector.io/hots" is no parameter of a sidecar of this pod, did you mean "a.sidecar-injector.io/host"?',
    ]);
  });

  test('a Secret only where the settings allow it', () => {
    const pod = asking('a', { 'a.sidecar-injector.io/secret': 'web-tls' });
    expect(denials({ a: spec }, pod)).toEqual([
      'SecretNotAllowed: a.sidecar-injector.io/secret: a pod of namespace "shop" may not name a Secret for a sidecar (sidecars.allowSecretsIn: none)',
    ]);
    const allowed = inject({ a: spec }, pod, { sidecars: { allowSecretsIn: ['sh*'] } });
    expect(allowed.spec.volumes).toEqual([{ name: 'tls', secret: { secretName: 'web-tls' } }]);
  });
});

describe('where a sidecar may be', () => {
  const privileged = { containers: [{ ...shipper, securityContext: { privileged: true } }] };

  test('only in its namespaces', () => {
    expect(denials({ a: { namespaces: ['bank', 'pay-*'], containers: [shipper] } }, asking('a'))).toEqual([
      'TemplateNotAllowed: sidecar "a" is not for namespace "shop"; it is for bank, pay-*',
    ]);
    expect(find(inject({ a: { namespaces: ['s*p'], containers: [shipper] } }, asking('a')), 'shipper')).toEqual(
      shipper,
    );
  });

  test('with privileges only where the settings allow it', () => {
    expect(denials({ a: privileged }, asking('a'))).toEqual([
      'PrivilegeNotAllowed: sidecar "a" needs privileges (container "shipper": privileged), which the settings do not allow in namespace "shop" (sidecars.allowPrivilegedIn: none)',
    ]);
    const pod = inject({ a: privileged }, asking('a'), { sidecars: { allowPrivilegedIn: ['shop'] } });
    expect(find(pod, 'shipper')?.['securityContext']).toEqual({ privileged: true });
  });
});

describe('order', () => {
  const at = (name: string, more: object) => ({ ...more, containers: [{ name, image: 'i' }] });
  const own: JsonObject = { initContainers: [{ name: 'migrate', image: 'm' }] };

  test.each<[string, Templates, string, string[], string[]]>([
    [
      'native by mode',
      { a: at('a', { mode: 'native' }) },
      'sidecar,a',
      ['istio-init', 'istio-proxy', 'a', 'migrate'],
      ['app'],
    ],
    ['classic', { a: at('a', {}) }, 'sidecar,a', ['istio-init', 'istio-proxy', 'migrate'], ['app', 'a']],
    [
      'before the proxy',
      { a: at('a', { mode: 'native', order: { proxy: 'before' } }) },
      'sidecar,a',
      ['a', 'istio-init', 'istio-proxy', 'migrate'],
      ['app'],
    ],
    [
      'after the proxy, however selected',
      { a: at('a', { mode: 'native', order: { proxy: 'after' } }) },
      'a,sidecar',
      ['istio-init', 'istio-proxy', 'a', 'migrate'],
      ['app'],
    ],
    [
      'after the init containers',
      { a: at('a', { mode: 'native', order: { application: 'after' } }) },
      'sidecar,a',
      ['istio-init', 'istio-proxy', 'migrate', 'a'],
      ['app'],
    ],
    [
      'before the application',
      { a: at('a', { order: { application: 'before' } }) },
      'sidecar,a',
      ['istio-init', 'istio-proxy', 'migrate'],
      ['a', 'app'],
    ],
  ])('%s', (_name, templates, selected, initContainers, containers) => {
    const pod = inject(templates, asking(selected, {}, {}, own));
    expect([namesOf(pod.spec.initContainers), namesOf(pod.spec.containers)]).toEqual([initContainers, containers]);
  });

  test('a classic one in a pod that should complete is remarked', () => {
    const pod = asking('a', {}, {}, { restartPolicy: 'Never' });
    const message =
      'sidecar-injector: restartPolicy "Never": classic sidecar "a" runs on, so the pod never completes; use a native sidecar';
    expect(decideOn(pod, snapshotWith({ a: at('a', {}) })).warnings).toEqual([message]);
    expect(decideOn(pod, snapshotWith({ a: at('a', { mode: 'native' }) })).warnings).toEqual([]);
  });

  test('a native one without a cluster for it is a classic container', () => {
    const pod = inject({ a: at('a', { mode: 'native' }) }, asking('a'), { injection: { nativeSidecars: 'never' } });
    expect(namesOf(pod.spec.containers)).toEqual(['app', 'a']);
    expect(find(pod, 'a')).toEqual({ name: 'a', image: 'i' });
  });
});

describe('versions', () => {
  const templates: Templates = {
    'a 1': { version: '1', containers: [{ ...shipper, image: 'a:1' }] },
    'a 2': { version: '2', containers: [{ ...shipper, image: 'a:2' }] },
  };
  const settings = (canary?: object) => ({
    sidecars: { versions: [{ template: 'a', version: '1', ...(canary && { canary }) }] },
  });
  const imageOf = (pod: InjectedPod) => find(pod, 'shipper')?.['image'];

  test('are chosen by name and version, and the record says which', () => {
    const pod = inject(templates, asking('a:2'));
    expect(imageOf(pod)).toBe('a:2');
    expect(JSON.parse(pod.metadata.annotations['sidecar.istio.io/status'] ?? '')).toMatchObject({ templates: ['a:2'] });
  });

  test('the name alone means what the settings say', () => {
    expect(imageOf(inject(templates, asking('a'), settings()))).toBe('a:1');
    expect(denials(templates, asking('a'))).toEqual([
      'UnknownTemplate: inject.istio.io/templates: "a" has several versions; name one: a:1, a:2',
    ]);
    expect(denials(templates, asking('a:3'))).toEqual([
      'UnknownTemplate: inject.istio.io/templates: "a:3" is not a known sidecar, did you mean "a:1"?; known: sidecar, a:1, a:2',
    ]);
  });

  test('a canary is given to a part of the owners, always the same', () => {
    const snapshot = snapshotWith(templates, settings({ version: '2', percent: 20 }));
    const imageFor = (owner: number, namespace = 'shop') => {
      const workload = { apiVersion: 'apps/v1', kind: 'Deployment', name: `web-${owner}` };
      const decision = decide({ pod: asking('a'), namespace, workload }, snapshot);
      return decision.added?.containers[0]?.['image'];
    };
    const images = Array.from({ length: 2000 }, (_, owner) => imageFor(owner));
    expect(images.filter((image) => image === 'a:2').length / images.length).toBeCloseTo(0.2, 1);
    expect(Array.from({ length: 2000 }, (_, owner) => imageFor(owner))).toEqual(images);
    expect(Array.from({ length: 200 }, (_, owner) => imageFor(owner, 'bank'))).not.toEqual(images.slice(0, 200));
  });

  test.each([
    [0, 'a:1'],
    [100, 'a:2'],
  ])('%d percent', (percent, image) => {
    const snapshot = snapshotWith(templates, settings({ version: '2', percent }));
    expect(imageOf(injectedPod(asking('a'), snapshot))).toBe(image);
  });

  test('settings that name others are refused', () => {
    expect(() =>
      snapshotWith(templates, {
        sidecars: {
          versions: [
            { template: 'a', version: '4' },
            { template: 'b', version: '1' },
          ],
        },
      }),
    ).toThrow(
      'spec.sidecars.versions[0].version: "a:4" is not a known sidecar; known: a:1, a:2\n' +
        'spec.sidecars.versions[1].version: "b:1" is not a known sidecar; known: none of this name',
    );
  });
});

test('probes of a sidecar are answered by the proxy, and a second injection sees that', () => {
  const probe = { httpGet: { path: '/ready', port: 2020 } };
  const templates = {
    a: { mode: 'native', containers: [{ ...shipper, ports: [{ containerPort: 2020 }], readinessProbe: probe }] },
  };
  const snapshot = snapshotWith(templates);
  const pod = injectedPod(asking('sidecar,a'), snapshot);
  expect(find(pod, 'shipper')?.['readinessProbe']).toEqual({
    httpGet: { path: '/app-health/shipper/readyz', port: 15_020, scheme: 'HTTP' },
  });
  expect(decideOn(pod as unknown as JsonObject, snapshot).reasons[0].code).toBe('AlreadyInjected');
});

test('undo finds edits by name, whatever others did to the pod meanwhile', () => {
  const templates = { a: { application: [{ env: [{ name: 'LOG', value: 'json' }] }] } };
  const pod = injectedPod(asking('a'), snapshotWith(templates)) as unknown as JsonObject;
  const changed = jsonPatch.applyPatch(structuredClone(pod), [
    { op: 'add', path: '/spec/containers/0/env/0', value: { name: 'LATER', value: 'x' } },
    { op: 'add', path: '/spec/containers/0', value: { name: 'later' } },
  ]).newDocument;
  const back = jsonPatch.applyPatch(structuredClone(changed), [
    ...(undo(changed)?.operations ?? []),
  ] as jsonPatch.Operation[]).newDocument;
  expect((back['spec'] as JsonObject)['containers']).toEqual([
    { name: 'later' },
    { name: 'app', image: 'app:1', env: [{ name: 'LATER', value: 'x' }] },
  ]);
});

describe('a container that another webhook adds after the injection', () => {
  const templates = {
    a: {
      containers: [shipper],
      share: [{ path: '/logs/', volume: { name: 'logs', emptyDir: {} }, with: [{ container: 'shipper' }] }],
      application: [
        { env: [{ name: 'LOG', value: 'json' }] },
        { containers: 'first', env: [{ name: 'FIRST', value: '1' }] },
      ],
    },
  };
  const snapshot = snapshotWith(templates);
  const late = (more: JsonObject = {}): JsonObject =>
    jsonPatch.applyPatch(structuredClone(injectedPod(asking('a'), snapshot) as unknown as JsonObject), [
      { op: 'add', path: '/spec/containers/-', value: { name: 'late', ...more } },
    ]).newDocument;
  const lateOf = (pod: JsonObject) => {
    const { patch } = decideOn(pod, snapshot);
    const operations = (patch.length === 0 ? [] : JSON.parse(joinPatch(patch))) as jsonPatch.Operation[];
    const after = jsonPatch.applyPatch(structuredClone(pod), operations).newDocument;
    expect(decideOn(after, snapshot).reasons[0].code).toBe('AlreadyInjected');
    return { after, found: find(after as unknown as InjectedPod, 'late') };
  };

  test('gets what every container gets, and gives it back', () => {
    const { after, found } = lateOf(late());
    expect(found).toEqual({
      name: 'late',
      env: [{ name: 'LOG', value: 'json' }],
      volumeMounts: [{ name: 'logs', mountPath: '/logs' }],
    });
    const operations = [...(undo(after)?.operations ?? [])] as jsonPatch.Operation[];
    const back: JsonObject = jsonPatch.applyPatch(structuredClone(after), operations).newDocument;
    expect((back['spec'] as JsonObject)['containers']).toEqual([{ name: 'app', image: 'app:1' }, { name: 'late' }]);
  });

  test('keeps what it has of its own', () => {
    const own = { env: [{ name: 'LOG', value: 'text' }], volumeMounts: [{ name: 'x', mountPath: '/logs' }] };
    expect(lateOf(late(own)).found).toEqual({ name: 'late', ...own });
  });
});

test('beside the proxy of an istiod a sidecar is recorded with its version, and a second injection changes nothing', () => {
  const container = { ...shipper, readinessProbe: { httpGet: { port: 2020 } } };
  const templates = {
    'a 1': { version: '1', containers: [container], application: [{ env: [{ name: 'LOG', value: 'json' }] }] },
  };
  const snapshot = snapshotWith(templates, { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } });
  const pod = injectedPod(asking('sidecar,a'), snapshot);
  expect(JSON.parse(pod.metadata.annotations['sidecar.istio.io/status'] ?? '')).toMatchObject({
    templates: ['sidecar', 'a:1'],
  });
  expect(appOf(pod)?.['env']).toEqual([{ name: 'LOG', value: 'json' }]);
  expect(decideOn(pod as unknown as JsonObject, snapshot).reasons[0].code).toBe('AlreadyInjected');
  const late = jsonPatch.applyPatch(structuredClone(pod as unknown as JsonObject), [
    { op: 'add', path: '/spec/containers/-', value: { name: 'late', image: 'late:1' } },
  ]).newDocument;
  const operations = JSON.parse(joinPatch(decideOn(late, snapshot).patch)) as jsonPatch.Operation[];
  const after = jsonPatch.applyPatch(structuredClone(late), operations).newDocument as unknown as InjectedPod;
  expect(find(after, 'late')?.['env']).toEqual([{ name: 'LOG', value: 'json' }]);
});
