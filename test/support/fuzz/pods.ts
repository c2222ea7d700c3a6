import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import { annotationNames } from '../../../src/pod/annotation-names.ts';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { statusAnnotation } from '../../../src/pod/conventions.ts';
import { examples } from '../../unit/settings/annotation-examples/examples.ts';
import { reviewOf } from '../builders/reviews.ts';
import { changedJson, changedText, oddText } from './odd-json.ts';
import { secret } from './reviewed-body.ts';

/** A pod with something of everything that the injector looks at, and what it has to keep to itself. */
export const fullPod: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'web-5d-',
    labels: { app: 'web', 'pod-template-hash': '5d' },
    annotations: { 'example.com/note': secret },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', controller: true }],
  },
  spec: {
    initContainers: [{ name: 'setup', image: 'setup:1', args: [secret] }],
    containers: [
      {
        name: 'app',
        image: 'app:1',
        command: [secret],
        env: [
          { name: 'PASSWORD', value: secret },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        ],
        ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
        volumeMounts: [{ name: 'data', mountPath: '/data', subPath: 'a' }],
        resources: { requests: { cpu: '100m' }, limits: { memory: '64Mi' } },
        securityContext: { runAsUser: 1000 },
        readinessProbe: {
          httpGet: { path: '/ready', port: 'http', httpHeaders: [{ name: 'Authorization', value: secret }] },
        },
        livenessProbe: { grpc: { port: 9000, service: 'svc' } },
        lifecycle: { preStop: { httpGet: { path: '/stop', port: 8080 } } },
      },
      { name: 'helper', image: 'helper:1', startupProbe: { tcpSocket: { port: 7000 } } },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
    imagePullSecrets: [{ name: 'pull' }],
    securityContext: { fsGroup: 1000 },
    terminationGracePeriodSeconds: 30,
  },
};

/** The body of a review as it goes over the wire. */
export function bodyOf(review: Json): Buffer {
  return Buffer.from(JSON.stringify(review));
}

/** A review of the pod's creation in which anything may be something else. */
export const oddReviews: fc.Arbitrary<Buffer> = fc
  .oneof(
    changedJson(fc.constant(fullPod)).map((pod) => reviewOf(pod)),
    changedJson(fc.constant(reviewOf(fullPod))),
  )
  .map(bodyOf);

/** Values that a row of the table is known to take or to refuse. */
function knownValues(): string[] {
  const texts = Object.values(examples).flatMap((example) => [
    ...('good' in example ? [example.good] : []),
    ...('bad' in example ? [example.bad] : []),
    ...('harmless' in example && example.harmless !== undefined ? [example.harmless] : []),
  ]);
  return [...new Set([...texts, 'true', 'false'])];
}

/** Words of the grammars: ports, addresses, quantities, JSON, YAML. */
const words = fc.oneof(
  fc.constantFrom(
    ...'0 1 80 8080 65535 65536 1-2 10.0.0.0/8 ::/0 100m 1Gi -1 , : ; = * / - . { } [ ] " \' \\ # & ! | > % @ `'.split(
      ' ',
    ),
  ),
  fc.constantFrom(
    '\n',
    '\t',
    ' ',
    'name',
    'mountPath',
    'emptyDir',
    'configMap',
    'secret',
    'hostPath',
    'http',
    'info',
    'istio-proxy',
  ),
  oddText,
);

const annotationValue: fc.Arbitrary<Json> = fc.oneof(
  { arbitrary: fc.constantFrom(...knownValues()), weight: 4 },
  { arbitrary: changedText(fc.constantFrom(...knownValues()), words), weight: 4 },
  { arbitrary: fc.array(words, { maxLength: 12 }).map((some) => some.join('')), weight: 2 },
  { arbitrary: oddText, weight: 1 },
  { arbitrary: fc.constantFrom<Json>(null, 1, true, {}, []), weight: 1 },
);

/** The value that the row's own example has, so that most of a pod is right and one thing is odd. */
const rowsWithValues = annotationTable.map(({ kind, name }) => {
  const example = examples[kind === 'annotation' ? name : `${kind} ${name}`];
  return { kind, name, good: example !== undefined && 'good' in example ? example.good : 'true' };
});

const entry = fc
  .constantFrom(...rowsWithValues)
  .chain(({ kind, name, good }) =>
    fc.oneof(fc.constant<Json>(good), annotationValue).map((value) => ({ kind, name, value })),
  );

const istioEntry = fc
  .tuple(
    fc.constantFrom(...Object.values(annotationNames), 'inject.istio.io/templates', 'prometheus.io/port'),
    annotationValue,
  )
  .map(([name, value]) => ({ kind: 'annotation' as const, name, value }));

/** A pod with some of the annotations and labels that mean something, whose values are right, nearly right or not at all. */
export const annotatedReviews: fc.Arbitrary<Buffer> = fc
  .array(fc.oneof({ arbitrary: entry, weight: 5 }, { arbitrary: istioEntry, weight: 1 }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((entries) => {
    const of = (wanted: 'annotation' | 'label'): JsonObject =>
      Object.fromEntries(entries.filter(({ kind }) => kind === wanted).map(({ name, value }) => [name, value]));
    const { metadata, ...rest } = fullPod as JsonObject & { readonly metadata: JsonObject };
    const labels = { ...(metadata['labels'] as JsonObject), ...of('label') };
    const annotations = { ...(metadata['annotations'] as JsonObject), ...of('annotation') };
    return bodyOf(reviewOf({ ...rest, metadata: { ...metadata, labels, annotations } }));
  });

/** A pod that was injected and whose status or containers were changed by hand. */
export function forgedReviews(injected: JsonObject): fc.Arbitrary<Buffer> {
  const { metadata, ...rest } = injected as JsonObject & { readonly metadata: { readonly annotations: JsonObject } };
  const status = JSON.parse(metadata.annotations[statusAnnotation] as string) as JsonObject;
  const text = fc.oneof(
    { arbitrary: changedJson(fc.constant(status)).map((value) => JSON.stringify(value)), weight: 6 },
    { arbitrary: changedText(fc.constant(JSON.stringify(status)), words), weight: 2 },
    { arbitrary: oddText, weight: 1 },
  );
  return fc
    .tuple(text, changedJson(fc.constant(rest['spec'] ?? null)), fc.boolean())
    .map(([forged, spec, isChanged]) => {
      const annotations = { ...metadata.annotations, [statusAnnotation]: forged };
      return bodyOf(
        reviewOf({ ...rest, metadata: { ...metadata, annotations }, spec: isChanged ? spec : (rest['spec'] ?? null) }),
      );
    });
}
