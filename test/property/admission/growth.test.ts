import jsonPatch from 'fast-json-patch';
import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/injection/injector.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { annotationNames } from '../../../src/pod/annotation-names.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { longPlaces, longTexts, type LongPlace } from '../../support/builders/long-reviews.ts';
import { growing, growthSizes as sizes, type GrowthCase } from '../../support/measuring/growth.ts';
import { snapshotWithShipped } from '../../support/sidecars/shipped-sidecars.ts';

/**
 * What a review costs must not grow faster than its bytes, wherever it is long: the webhook has one thread, and a review
 * that takes it for seconds stops every pod of the cluster. Times are compared with each other, never with a clock.
 */

/** Texts of annotations that are documents are read up to 16 KiB only; what they cost grows below that. */
const documentSizes = { short: 2_000, long: 8_000 } as const;

const settings = { injection: { defaultTemplates: ['sidecar', 'log-shipper', 'metrics-exporter'] } };
const istiod = { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } };
const modes: readonly (readonly [name: string, snapshot: Snapshot])[] = [
  ['standalone', snapshotWithShipped({ ...settings, proxy: { applicationDrainSeconds: 5 } })],
  ['istiod', snapshotWithShipped(istiod)],
  ['istiod, hardened', snapshotWithShipped({ ...istiod, istiod: { ...istiod.istiod, hardened: true } })],
];

function container(name: string, port: number): JsonObject {
  return {
    name,
    image: 'registry.example/app:1',
    command: ['/bin/a'],
    args: ['x'],
    env: [
      { name: 'A', value: 'b' },
      { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }],
    volumeMounts: [
      { name: 'data', mountPath: '/data', subPath: 'a' },
      { name: 'logs', mountPath: '/var/log/app' },
    ],
    resources: { requests: { cpu: '100m', memory: '64Mi' } },
    securityContext: { runAsUser: 1000 },
    readinessProbe: { httpGet: { path: '/ready', port: 'http', httpHeaders: [{ name: 'X', value: 'y' }] } },
    livenessProbe: { grpc: { port, service: 'svc' } },
    lifecycle: { postStart: { httpGet: { path: '/start', port } } },
  };
}

const pod: JsonObject = {
  metadata: {
    generateName: 'web-5d-',
    labels: { app: 'web', 'pod-template-hash': '5d' },
    annotations: { 'example.com/a': 'b' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', controller: true }],
  },
  spec: {
    initContainers: [
      { name: 'setup', image: 'setup:1' },
      { name: 'helper', image: 'helper:1', restartPolicy: 'Always' },
    ],
    containers: [container('app', 8080)],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'logs', emptyDir: {} },
    ],
    imagePullSecrets: [{ name: 'pull' }],
    securityContext: { fsGroup: 1000 },
    resources: { requests: { cpu: '2' }, limits: { cpu: '4' } },
  },
};

/** The pod after its injection, with a container that came later, and its status as a value. */
function injected(snapshot: Snapshot): { readonly pod: JsonObject; readonly status: JsonObject } {
  const { operations, reasons } = decide({ pod, namespace: 'shop' }, snapshot);
  if (operations.length === 0) throw new Error(JSON.stringify(reasons));
  const patch = structuredClone(operations) as unknown as jsonPatch.Operation[];
  const after = jsonPatch.applyPatch(structuredClone(pod), patch).newDocument as JsonObject & {
    metadata: { annotations: Record<string, string> };
    spec: { containers: JsonObject[] };
  };
  after.spec.containers.push(container('later', 7000));
  const status = JSON.parse(after.metadata.annotations[statusAnnotation] ?? '') as JsonObject;
  return { pod: after, status };
}

function withStatus(after: JsonObject, status: JsonObject): JsonObject {
  const { metadata } = after as { metadata: { annotations: JsonObject } };
  const annotations = { ...metadata.annotations, [statusAnnotation]: JSON.stringify(status) };
  return { ...after, metadata: { ...metadata, annotations } };
}

/** Annotations and labels that mean something, in every mode. */
function knownKeys(snapshot: Snapshot): readonly (readonly [map: 'annotations' | 'labels', name: string])[] {
  const parameters = [...snapshot.templates.values()].flatMap((template) => template.parameters);
  const annotations = [
    ...annotationTable.filter(({ kind }) => kind === 'annotation').map(({ name }) => name),
    ...Object.values(annotationNames),
    ...parameters.map(({ annotation }) => annotation),
    statusAnnotation,
  ];
  const labels = annotationTable.filter(({ kind }) => kind === 'label').map(({ name }) => name);
  return [
    ...[...new Set(annotations)].map((name) => ['annotations', name] as const),
    ...labels.map((name) => ['labels', name] as const),
  ];
}

const isStatus = ({ name }: LongPlace): boolean => name.startsWith('/metadata/annotations/sidecar.istio.io~1status ');

describe.each(modes)('mode %s', (_mode, snapshot) => {
  test('a review that is long in one place', () => {
    const cases = longPlaces(pod).map((place): GrowthCase => ({
      name: place.name,
      sizes,
      make: (size) => place.stretch(pod, size),
    }));
    expect(growing(snapshot, pod, cases)).toEqual([]);
  }, 300_000);

  test('an annotation or a label that means something and is long', () => {
    const cases = knownKeys(snapshot).flatMap(([map, name]) =>
      longTexts(['metadata', map, name]).map((place): GrowthCase => ({
        name: place.name,
        sizes: place.isDocument ? documentSizes : sizes,
        make: (size) => place.stretch(pod, size),
      })),
    );
    expect(growing(snapshot, pod, cases)).toEqual([]);
  }, 300_000);
});

// What `hardened` adds is for pods that were not injected before.
describe.each(modes.slice(0, 2))('mode %s', (_mode, snapshot) => {
  test('a forged status that is long in one place, and an injected pod that is', () => {
    const { pod: after, status } = injected(snapshot);
    const forged = longPlaces(status).map((place): GrowthCase => ({
      name: `status ${place.name}`,
      sizes,
      make: (size) => withStatus(after, place.stretch(status, size)),
    }));
    const lists = longPlaces(after)
      .filter((place) => place.isList && !isStatus(place))
      .map((place): GrowthCase => ({ name: place.name, sizes, make: (size) => place.stretch(after, size) }));
    expect(growing(snapshot, pod, [...forged, ...lists])).toEqual([]);
  }, 300_000);

  test('a forged status and its pod that are long together', () => {
    const { pod: after, status } = injected(snapshot);
    const isMany = ({ isList, name }: LongPlace): boolean =>
      isList && /like \[0\], named$|small like \[0\]$|keys k$/.test(name);
    const places = longPlaces(after).filter(
      (place) => isMany(place) && /^\/(?:metadata|spec)\/(?:\w+|containers\/\d\/\w+) /.test(place.name),
    );
    const cases = longPlaces(status)
      .filter(isMany)
      .flatMap((inStatus) =>
        places.map((inPod): GrowthCase => ({
          name: `status ${inStatus.name} with ${inPod.name}`,
          sizes,
          make: (size) => inPod.stretch(withStatus(after, inStatus.stretch(status, size / 2)), size / 2),
        })),
      );
    expect(growing(snapshot, pod, cases)).toEqual([]);
  }, 300_000);
});
