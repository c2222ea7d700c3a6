import * as fc from 'fast-check';
import { objectsMember, type Json, type JsonObject } from '../../../src/json/json.ts';
import { anyContainer, anyCopy, someOf } from './any-container.ts';
import { customTemplate } from './any-template.ts';
import { annotationValues, labelValues, type Values } from './vocabulary.ts';

/** Istio's pod templates that are pieces of a pod. */
export const templateNames = ['sidecar', 'gateway', 'grpc-simple', 'grpc-agent'] as const;
export type TemplateName = (typeof templateNames)[number];

/** How a pod reaches the injector: in a manifest, at its creation, or once more after Istio's injector has injected it. */
export const ways = ['webhook', 'file', 'again'] as const;
export type Way = (typeof ways)[number];

/** Some of the names with one of their values. Most values are right, so that most pods are injected. */
function anyTexts(table: Readonly<Record<string, Values>>, maxLength: number): fc.Arbitrary<Record<string, string>> {
  const entry = fc
    .constantFrom(...Object.entries(table))
    .chain(([name, { good, odd = [] }]) =>
      fc
        .oneof(
          { arbitrary: fc.constantFrom(...good), weight: odd.length === 0 ? 1 : 12 },
          ...(odd.length === 0 ? [] : [{ arbitrary: fc.constantFrom(...odd), weight: 1 }]),
        )
        .map((value): [string, string] => [name, value]),
    );
  return fc
    .uniqueArray(entry, { maxLength, selector: ([name]) => name.replaceAll(/[./-]/g, '_') })
    .map((all) => Object.fromEntries(all));
}

interface Owned {
  readonly metadata: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
}

function owned(kind: string, apiVersion: string, name: string, labels: Record<string, string> = {}): Owned {
  const owner = { apiVersion, kind, name, uid: '1', controller: true };
  return { metadata: { generateName: `${name}-`, ownerReferences: [owner] }, labels };
}

const anyOwner = fc.constantFrom<Owned>(
  { metadata: { name: 'p' }, labels: {} },
  { metadata: { name: 'p' }, labels: {} },
  owned('ReplicaSet', 'apps/v1', 'web-5d', { 'pod-template-hash': '5d' }),
  owned('ReplicaSet', 'apps/v1', 'web-5d'),
  owned('StatefulSet', 'apps/v1', 'db'),
  owned('DaemonSet', 'apps/v1', 'agent'),
  owned('Job', 'batch/v1', 'nightly-28123456'),
  owned('Job', 'batch/v1', 'once'),
  owned('ReplicationController', 'v1', 'rc-1'),
  {
    metadata: {
      name: 'db-0',
      generateName: 'db-',
      ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: '1' }],
    },
    labels: {},
  },
);

const anyVolumes = fc.uniqueArray(
  fc.constantFrom<JsonObject>(
    { name: 'data', emptyDir: {} },
    { name: 'config', configMap: { name: 'c' } },
    { name: 'secret', secret: { secretName: 's' } },
    { name: 'istio-envoy', emptyDir: { sizeLimit: '1Mi' } },
    { name: 'workload-socket', csi: { driver: 'csi.spiffe.io', readOnly: true } },
    { name: 'extra', hostPath: { path: '/x' } },
  ),
  { maxLength: 4, selector: (volume) => volume['name'] },
);

const anySpec = someOf({
  serviceAccountName: fc.constant('robot'),
  volumes: anyVolumes,
  imagePullSecrets: fc.constantFrom<Json>([{ name: 'own' }], [{ name: 'pull' }, { name: 'own' }]),
  securityContext: fc.constantFrom<Json>(
    {},
    { runAsUser: 1000, fsGroup: 2000 },
    { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] },
    { runAsNonRoot: true },
  ),
  dnsPolicy: fc.constantFrom('ClusterFirst', 'None', 'Default'),
  dnsConfig: fc.constant({ nameservers: ['1.1.1.1'] }),
  nodeName: fc.constant('node'),
  terminationGracePeriodSeconds: fc.constant(5),
  hostAliases: fc.constant([{ ip: '10.0.0.1', hostnames: ['a'] }]),
  tolerations: fc.constant([{ operator: 'Exists' }]),
  shareProcessNamespace: fc.boolean(),
  restartPolicy: fc.constant('Always'),
});

/** Which copies of injected containers a pod has: names by list. */
const anyCopies = fc.constantFrom<{
  readonly containers: readonly string[];
  readonly initContainers: readonly string[];
}>(
  { containers: [], initContainers: [] },
  { containers: [], initContainers: [] },
  { containers: ['istio-proxy'], initContainers: [] },
  { containers: ['istio-proxy'], initContainers: [] },
  { containers: [], initContainers: ['istio-proxy'] },
  { containers: [], initContainers: ['istio-init'] },
  { containers: ['istio-proxy'], initContainers: ['istio-validation', 'enable-core-dump'] },
  { containers: ['istio-proxy'], initContainers: ['enable-core-dump'] },
  { containers: [], initContainers: ['grpc-bootstrap-init'] },
);

function anyContainers(template: TemplateName, nulls: boolean): fc.Arbitrary<JsonObject> {
  const copies =
    template === 'gateway'
      ? fc.oneof({ arbitrary: fc.constant({ containers: ['istio-proxy'], initContainers: [] }), weight: 3 }, anyCopies)
      : anyCopies;
  const names = (of: readonly string[], least: number) => fc.subarray([...of], { minLength: least });
  return fc
    .tuple(
      copies,
      names(['a', 'b', 'c'], template === 'gateway' ? 0 : 1),
      names(['i', 'j'], 0),
      fc.boolean(),
      fc.boolean(),
    )
    .chain(([own, apps, inits, first, isNative]) => {
      const lists = (application: readonly string[], injected: readonly string[]) => {
        const made = [
          ...application.map((name) => anyContainer(name)),
          ...injected.map((name) => anyCopy(name, nulls)),
        ];
        return made.length === 0 ? fc.constant([]) : fc.tuple(...(first ? made.toReversed() : made));
      };
      // A pod without any container is none.
      const applications = apps.length + own.containers.length === 0 ? ['a'] : apps;
      return fc
        .tuple(lists(applications, own.containers), lists(inits, own.initContainers))
        .map(([containers, initContainers]): JsonObject => ({
          containers,
          ...(initContainers.length === 0
            ? {}
            : {
                initContainers: initContainers.map((one, index) =>
                  isNative && index === 0 && one['lifecycle'] !== undefined ? { ...one, restartPolicy: 'Always' } : one,
                ),
              }),
        }));
    });
}

/** The spec with an empty volume for every mount that has none: the API server takes no other pod. */
function withMountedVolumes(spec: JsonObject): JsonObject {
  const volumes = objectsMember(spec, 'volumes');
  const containers = [...objectsMember(spec, 'containers'), ...objectsMember(spec, 'initContainers')];
  const mounted = containers.flatMap((one) => objectsMember(one, 'volumeMounts').map((mount) => mount['name'] ?? ''));
  const missing = [...new Set(mounted)].filter((name) => !volumes.some((volume) => volume['name'] === name));
  if (missing.length === 0) return spec;
  return { ...spec, volumes: [...volumes, ...missing.map((name): JsonObject => ({ name, emptyDir: {} }))] };
}

/** A pod that asks for the template. `namespaces` are those it may be in. */
export function anyPod(template: TemplateName, way: Way, namespaces: readonly string[]): fc.Arbitrary<JsonObject> {
  const alone = template === 'sidecar' ? {} : { 'inject.istio.io/templates': template };
  const both = { 'inject.istio.io/templates': `${template},${customTemplate}` };
  return fc
    .tuple(
      fc.constantFrom<Record<string, string>>(alone, alone, alone, both),
      anyOwner,
      fc.constantFrom(...namespaces),
      anyTexts(labelValues, 5),
      anyTexts(annotationValues, 5),
      anyContainers(template, way === 'file'),
      fc.oneof(fc.constant({}), anySpec, fc.record({ volumes: anyVolumes })),
      fc.integer({ min: 0, max: 60 }).map((n) => n === 0),
    )
    .map(([asked, owner, namespace, labels, annotations, containers, spec, hostNetwork]): JsonObject => {
      const { metadata } = way === 'file' ? { metadata: { name: 'p' } } : owner;
      const allLabels = { ...(way === 'file' ? {} : owner.labels), ...labels };
      // kube-inject takes another status port from there than the webhook does.
      const isDocumented = way === 'file' && annotations['proxy.istio.io/config']?.includes('statusPort') === true;
      const {
        // After a status that nobody can read, Istio's second injection takes the pod's own containers for injected ones.
        'sidecar.istio.io/status': status,
        // The custom template writes this one in its usual spelling, and of two Istio takes either, at random.
        'prometheus.io.port': otherSpelling,
        ...others
      } = annotations;
      const allAnnotations = {
        ...asked,
        ...others,
        ...(otherSpelling === undefined || asked === both ? {} : { 'prometheus.io.port': otherSpelling }),
        ...(status === undefined || way === 'again' ? {} : { 'sidecar.istio.io/status': status }),
        ...(isDocumented ? { 'proxy.istio.io/config': '' } : {}),
      };
      return {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          ...metadata,
          namespace,
          ...(Object.keys(allLabels).length === 0 ? {} : { labels: allLabels }),
          ...(Object.keys(allAnnotations).length === 0 ? {} : { annotations: allAnnotations }),
        },
        spec: withMountedVolumes({ ...containers, ...spec, ...(hostNetwork ? { hostNetwork: true } : {}) }),
      };
    });
}

/** A manifest with the pod: itself, or a workload that creates it. */
export function anyManifest(template: TemplateName, namespaces: readonly string[]): fc.Arbitrary<JsonObject> {
  const kinds = fc.constantFrom(
    ['v1', 'Pod'],
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['apps/v1', 'ReplicaSet'],
    ['batch/v1', 'Job'],
    ['v1', 'ReplicationController'],
  );
  return fc.tuple(anyPod(template, 'file', namespaces), kinds).map(([pod, [apiVersion = '', kind = '']]) => {
    if (kind === 'Pod') return pod;
    const { name, namespace, ...metadata } = pod['metadata'] as JsonObject;
    return {
      apiVersion,
      kind,
      metadata: { name: name ?? 'p', namespace: namespace ?? 'n' },
      spec: { template: { metadata, spec: pod['spec'] ?? {} } },
    };
  });
}
