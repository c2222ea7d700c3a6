import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { JsonObject } from '../../../src/json/json.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import {
  containerOf,
  decideOn,
  injectedPod,
  namesOf,
  podWith,
  type InjectedPod,
} from '../../support/builders/decisions.ts';
import { meshRoots, meshSnapshot, snapshotOf } from '../../support/builders/snapshots.ts';

const bypassed = 'sidecar-injector.io/bypassedInboundPorts';
const tlsMode = 'security.istio.io/tlsMode';

interface MeshBootstrap {
  readonly node: { readonly metadata: JsonObject };
  readonly static_resources: { readonly listeners: readonly { readonly name: string }[] };
  readonly layered_runtime: { readonly layers: readonly { readonly static_layer: JsonObject }[] };
  readonly dynamic_resources?: { readonly ads_config: { readonly grpc_services: readonly unknown[] } };
}

function bootstrapOf(pod: InjectedPod): MeshBootstrap {
  const args = containerOf(pod, 'istio-proxy')['args'] as string[];
  return parse(args[args.indexOf('--config-yaml') + 1] ?? '', { maxAliasCount: -1 }) as MeshBootstrap;
}

function again(pod: object, snapshot: Snapshot): InjectedPod {
  const { operations } = decideOn(pod as JsonObject, snapshot);
  return applyToValue(structuredClone(pod) as JsonObject, operations) as unknown as InjectedPod;
}

describe('a pod in mode mesh', () => {
  const pod = injectedPod(podWith(), meshSnapshot());

  test('takes the regular expressions of routes, which may be longer than Envoy itself allows', () => {
    const [layer] = bootstrapOf(pod).layered_runtime.layers;
    expect(layer?.static_layer).toMatchObject({ 're2.max_program_size.error_level': 32_768 });
  });

  test('asks the control plane, which it knows by its root, with a token of its own', () => {
    expect(bootstrapOf(pod).dynamic_resources?.ads_config.grpc_services).toEqual([
      {
        google_grpc: expect.objectContaining({
          target_uri: 'dns:///sidecar-injector-mesh.sidecar-injector-system.svc.cluster.local:15012',
          channel_credentials: { ssl_credentials: { root_certs: { inline_string: meshRoots } } },
          call_credentials: [
            expect.objectContaining({
              from_plugin: expect.objectContaining({
                typed_config: expect.objectContaining({
                  secret_data: { filename: '/var/run/secrets/sidecar-injector/token' },
                }),
              }),
            }),
          ],
        }),
      },
    ]);
    expect(containerOf(pod, 'istio-proxy')['volumeMounts']).toContainEqual({
      name: 'istio-mesh-token',
      mountPath: '/var/run/secrets/sidecar-injector',
      readOnly: true,
    });
    expect(pod.spec.volumes).toContainEqual({
      name: 'istio-mesh-token',
      projected: {
        sources: [
          { serviceAccountToken: { audience: 'sidecar-injector-mesh', expirationSeconds: 172_800, path: 'token' } },
        ],
      },
    });
  });

  test.each([
    ['mesh', pod, 2],
    ['standalone', injectedPod(podWith(), snapshotOf()), 0],
  ])('in mode %s: pages of other proxies are not captured on the way out only in the mesh', (_, one, families) => {
    const rules = JSON.stringify(containerOf(one, 'istio-init')['env']);
    for (const port of [15_020, 15_021, 15_090]) {
      expect(rules.split(`-A ISTIO_OUTPUT -p tcp --dport ${port} -j RETURN`)).toHaveLength(families + 1);
    }
  });

  test('is labelled as one that takes mutual TLS, and keeps a label of its own', () => {
    expect(pod.metadata.labels?.[tlsMode]).toBe('istio');
    const own = decideOn(podWith({ labels: { [tlsMode]: 'disabled' } }), meshSnapshot());
    expect([own.outcome, own.warnings]).toEqual(['inject', []]);
    expect(own.operations.map(({ path }) => path)).not.toContain('/metadata/labels');
  });

  test('gets no listener that the control plane sends, and no second time', () => {
    const { listeners } = bootstrapOf(pod).static_resources;
    expect(listeners.map(({ name }) => name)).toEqual(['status']);
    expect(decideOn(pod as unknown as JsonObject, meshSnapshot()).reasons[0].code).toBe('AlreadyInjected');
  });

  test('is told the address and audience of the settings', () => {
    const mesh = { address: '[fd00::5]:443', audience: 'shop' };
    const other = injectedPod(podWith(), meshSnapshot({ mesh }));
    expect(JSON.stringify(bootstrapOf(other))).toContain('dns:///[fd00::5]:443');
    expect(JSON.stringify(other.spec.volumes)).toContain('"audience":"shop"');
    const domain = injectedPod(podWith(), meshSnapshot({ proxy: { clusterDomain: 'k8s.example' } }));
    expect(JSON.stringify(bootstrapOf(domain))).toContain('sidecar-injector-system.svc.k8s.example:15012');
  });

  test('is denied until the control plane has published its root', () => {
    const { outcome, reasons } = decideOn(podWith(), snapshotOf({ mode: 'mesh' }));
    expect([outcome, reasons.map(({ code }) => code)]).toEqual(['deny', ['MeshNotReady']]);
    expect(reasons[0].message).toContain('on the command line, give it with --mesh-roots FILE');
    // Without the proxy nothing needs the mesh.
    const others = podWith({ annotations: { 'inject.istio.io/templates': 'shipper' } });
    const templates = [
      {
        apiVersion: 'sidecar-injector.io/v1alpha1',
        kind: 'SidecarTemplate',
        metadata: { name: 'shipper' },
        spec: { containers: [{ name: 'shipper', image: 'shipper:1' }] },
      },
    ];
    expect(decideOn(others, snapshotOf({ mode: 'mesh' }, { templates })).outcome).toBe('inject');
  });

  test('shows how it takes part, without certificates', () => {
    const annotations = { 'sidecar-injector.io/showSettings': 'true' };
    const shown = injectedPod(podWith({ annotations }), meshSnapshot()).metadata.annotations;
    const settings = JSON.parse(shown['sidecar-injector.io/settings'] ?? '') as JsonObject;
    expect(settings['mesh']).toEqual({
      address: 'sidecar-injector-mesh.sidecar-injector-system.svc.cluster.local:15012',
      audience: 'sidecar-injector-mesh',
    });
  });

  test('that asks the resolver of its node is told what that means', () => {
    const pod = podWith({ spec: { dnsPolicy: 'Default' } });
    expect(decideOn(pod, meshSnapshot()).warnings.join()).toContain('the proxy does not start unless');
    expect(decideOn(pod, snapshotOf()).warnings).toEqual([]);
    expect(decideOn(podWith({ spec: { dnsPolicy: 'ClusterFirst' } }), meshSnapshot()).warnings).toEqual([]);
  });

  test('that mounts the token elsewhere is denied', () => {
    const volumeMounts = [{ name: 'istio-mesh-token', mountPath: '/token' }];
    const { reasons } = decideOn(podWith({ container: { volumeMounts } }), meshSnapshot());
    expect(reasons[0].message).toContain('mounts volume "istio-mesh-token", which is the proxy\'s');
  });
});

describe('a pod with a copy of istio-proxy of its own', () => {
  const withCopy = (copy: JsonObject, volumes: readonly JsonObject[] = []): JsonObject => {
    const containers = [
      { name: 'app', image: 'app:1' },
      { name: 'istio-proxy', image: 'auto', ...copy },
    ];
    return podWith({ spec: { containers, volumes: [...volumes] } });
  };
  const folder = '/var/run/secrets/sidecar-injector';
  const own = [{ name: 'own', emptyDir: {} }];

  test.each([
    folder,
    `${folder}/`,
    `${folder}/token`,
    '/run/secrets/sidecar-injector',
    '//var/./run/secrets/x/../sidecar-injector',
  ])('may not hide the token by a mount at %s', (mountPath) => {
    const pod = withCopy({ volumeMounts: [{ name: 'own', mountPath }] }, own);
    const { outcome, reasons } = decideOn(pod, meshSnapshot());
    expect([outcome, reasons.map(({ code }) => code)]).toEqual(['deny', ['InvalidOverride']]);
    expect(reasons[0].message).toContain("hides the proxy's token for its control plane");
    expect(decideOn(pod, snapshotOf()).outcome).toBe('inject');
  });

  test('keeps its token beside mounts of its own', () => {
    const volumeMounts = [
      { name: 'own', mountPath: '/var/run/secrets' },
      { name: 'own', mountPath: `${folder}-2` },
      { name: 'istio-mesh-token', mountPath: folder },
    ];
    const pod = injectedPod(withCopy({ volumeMounts }, own), meshSnapshot());
    const mounts = containerOf(pod, 'istio-proxy')['volumeMounts'] as JsonObject[];
    expect(mounts.filter(({ mountPath }) => mountPath === folder)).toEqual([
      { name: 'istio-mesh-token', mountPath: folder, readOnly: true },
    ]);
  });

  test.each<[string, JsonObject]>([
    ['another control plane', { args: ['--config-yaml', '{}'] }],
    ['another program', { command: ['envoy-mine'] }],
    ['variables of all that a ConfigMap has', { envFrom: [{ configMapRef: { name: 'x' } }] }],
  ])('may not name %s', (_, copy) => {
    expect(decideOn(withCopy(copy), meshSnapshot()).reasons[0].message).toContain('may not be set');
  });

  test.each<[string, readonly JsonObject[]]>([
    ['of another source', [{ name: 'istio-mesh-token', emptyDir: {} }]],
    ['of a Secret', [{ name: 'istio-mesh-token', secret: { secretName: 'x' } }]],
  ])('may not have the volume of the token %s', (_, volumes) => {
    const { reasons } = decideOn(withCopy({}, volumes), meshSnapshot());
    expect(reasons[0].message).toContain('volume "istio-mesh-token"');
  });
});

test.each([
  ['sidecar.istio.io/userVolume', { 'istio-mesh-token': { emptyDir: {} } }, 'is a volume of the proxy itself'],
  [
    'sidecar.istio.io/userVolume',
    {
      own: { projected: { sources: [{ serviceAccountToken: { audience: 'sidecar-injector-mesh', path: 'token' } }] } },
    },
    'projects something else than configMap and downwardAPI',
  ],
  [
    'sidecar.istio.io/userVolumeMount',
    [{ name: 'istio-mesh-token', mountPath: '/mnt' }],
    '"istio-mesh-token" is no volume of the pod',
  ],
  [
    'sidecar.istio.io/userVolumeMount',
    [{ name: 'app', mountPath: '/var/run/secrets/sidecar-injector' }],
    'is mounted at "/var/run/secrets/sidecar-injector"; allowed',
  ],
  ['sidecar-injector.io/proxyEnv', { GRPC_TRACE: 'all' }, "is no variable of Envoy's"],
])('%s changes nothing of the token or the stream: %j', (name, value, why) => {
  const annotations = { [name]: JSON.stringify(value) };
  const { reasons } = decideOn(
    podWith({ annotations, spec: { volumes: [{ name: 'app', emptyDir: {} }] } }),
    meshSnapshot(),
  );
  expect(reasons[0].message).toContain(why);
});

describe('ports that pass by the proxy', () => {
  test.each<[string, JsonObject, object, string | undefined]>([
    ['none', {}, {}, undefined],
    ['those that are excluded', { 'traffic.sidecar.istio.io/excludeInboundPorts': '0,81-82,9000' }, {}, '81-82,9000'],
    ['those of the settings', {}, { capture: { excludeInboundPorts: '7' } }, '7'],
    [
      'all but those that are included',
      { 'traffic.sidecar.istio.io/includeInboundPorts': '1,80,90-91,65535' },
      {},
      '2-79,81-89,92-65534',
    ],
    ['all where none is included', { 'traffic.sidecar.istio.io/includeInboundPorts': '' }, {}, '1-65535'],
    ['all without capture', { 'sidecar.istio.io/interceptionMode': 'NONE' }, {}, '1-65535'],
    ['a status port of its own', { 'status.sidecar.istio.io/port': '15030' }, {}, '15030'],
  ])('%s', (_, annotations, spec, expected) => {
    const before = podWith({ annotations });
    const pod = injectedPod(before, meshSnapshot(spec));
    expect(pod.metadata.annotations[bypassed]).toBe(expected);
    expect(applyToValue(structuredClone(pod) as unknown as JsonObject, undo(pod as never)?.operations ?? [])).toEqual(
      before,
    );
  });

  test('are those of probes that are not rewritten, also of a container that comes later', () => {
    const annotations = { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' };
    const before = podWith({ annotations });
    const pod = structuredClone(injectedPod(before, meshSnapshot())) as unknown as {
      metadata: { annotations: Record<string, string> };
      spec: { containers: JsonObject[] };
    };
    expect(pod.metadata.annotations[bypassed]).toBeUndefined();
    const late = { name: 'late', image: 'late:1', livenessProbe: { httpGet: { path: '/', port: 9000 } } };
    pod.spec.containers.push(late);
    const after = again(pod, meshSnapshot());
    expect(after.metadata.annotations[bypassed]).toBe('9000');
    expect(decideOn(after as unknown as JsonObject, meshSnapshot()).operations).toEqual([]);
    const undone = applyToValue(
      structuredClone(after) as unknown as JsonObject,
      undo(after as never)?.operations ?? [],
    );
    expect(undone).toEqual({
      ...before,
      spec: { containers: [...((before['spec'] as JsonObject)['containers'] as JsonObject[]), late] },
    });
  });

  test('are told to a node agent as well when a container comes later', () => {
    const snapshot = snapshotOf({ capture: { loadedBy: 'node-agent' }, probes: { rewrite: false } });
    const pod = structuredClone(injectedPod(podWith(), snapshot)) as unknown as { spec: { containers: JsonObject[] } };
    pod.spec.containers.push({ name: 'late', image: 'late:1', livenessProbe: { httpGet: { path: '/', port: 9000 } } });
    expect(again(pod, snapshot).metadata.annotations['traffic.sidecar.istio.io/excludeInboundPorts']).toBe(
      '15090,15021,15020,9000',
    );
  });

  test('are nobody’s to claim', () => {
    const claimed = podWith({ annotations: { [bypassed]: '80' } });
    expect(injectedPod(claimed, meshSnapshot()).metadata.annotations[bypassed]).toBeUndefined();
    expect(injectedPod(claimed, snapshotOf()).metadata.annotations[bypassed]).toBeUndefined();
  });
});

describe('a profile', () => {
  const profiles = [
    { name: 'shop', namespaces: ['shop'], mode: 'mesh' },
    { name: 'alone', mode: 'standalone' },
  ];
  const hasToken = (pod: InjectedPod): boolean => namesOf(pod.spec.volumes).includes('istio-mesh-token');

  test('takes one namespace into the mesh', () => {
    const snapshot = snapshotOf({ profiles }, { meshRoots });
    expect(hasToken(injectedPod(podWith(), snapshot, 'shop'))).toBe(true);
    expect(hasToken(injectedPod(podWith(), snapshot, 'other'))).toBe(false);
  });

  test('of all namespaces keeps pods out of the mesh that ask for it by label, and tells them', () => {
    const labels = { 'sidecar-injector.io/profile': 'mesh' };
    const closed = [
      { name: 'mine', namespaces: ['shop'], mode: 'mesh' },
      { name: 'none', namespaces: ['*'], mode: 'standalone' },
    ];
    const snapshot = snapshotOf({ profiles: closed }, { meshRoots });
    expect(hasToken(injectedPod(podWith({ labels }), snapshot, 'other'))).toBe(false);
    expect(decideOn(podWith({ labels }), snapshot, 'other').warnings).toEqual([
      expect.stringContaining('profile "mesh" is not for this pod; the pod gets "none"'),
    ]);
    expect(hasToken(injectedPod(podWith({ labels }), snapshot, 'shop'))).toBe(true);
  });

  test('keeps pods out of the mesh that ask for it', () => {
    const labels = { 'sidecar-injector.io/profile': 'alone' };
    const pod = injectedPod(podWith({ labels }), meshSnapshot({ profiles }), 'other');
    expect(hasToken(pod)).toBe(false);
    expect(pod.metadata.labels?.[tlsMode]).toBeUndefined();
    expect(bootstrapOf(pod).dynamic_resources).toBeUndefined();
  });

  test('has no mode in mode istiod', () => {
    const istiod = { values: { global: { tag: '1.28.0' } } };
    expect(() => snapshotOf({ mode: 'istiod', istiod, profiles })).toThrow(
      'spec.profiles[0].mode: has no effect in mode istiod; remove it',
    );
  });
});

test('a pod whose proxy is made anew without the mesh is one that takes no mutual TLS, whatever is left of before', () => {
  const before = injectedPod(podWith(), meshSnapshot());
  expect(readPod(before as unknown as JsonObject).plainPorts).not.toBe('all');
  delete before.metadata.annotations['sidecar.istio.io/status'];
  const alone = injectedPod(before as unknown as JsonObject, snapshotOf());
  expect(alone.metadata.labels).toMatchObject({ [tlsMode]: 'istio' });
  expect(readPod(alone as unknown as JsonObject).plainPorts).toBe('all');
});

test('settings of a control plane that cannot be are refused', () => {
  for (const address of ['control-plane', 'a b:1', ':15012', 'x:0', 'x:65536', 'http://x:1', '-x:1']) {
    expect(() => snapshotOf({ mesh: { address } })).toThrow(
      'spec.mesh.address: allowed: a name or an address with a port',
    );
  }
  expect(() => snapshotOf({ mesh: { audience: 'a b' } })).toThrow('spec.mesh.audience: allowed: ');
});

test('other roots make other settings', () => {
  expect(snapshotOf({}, { meshRoots }).hash).not.toBe(snapshotOf().hash);
});
