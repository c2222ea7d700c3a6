import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { parseAllDocuments } from 'yaml';
import { review } from '../../../src/admission/handler.ts';
import { createSnapshot } from '../../../src/injection/build-snapshot.ts';
import { createInjector } from '../../../src/injection/injector.ts';
import { describeProblem } from '../../../src/grammar/problem.ts';
import type { Json } from '../../../src/json/json.ts';
import { campaign } from '../../support/fuzz/campaign.ts';
import { changedJson } from '../../support/fuzz/odd-json.ts';
import { expectUntouchedPrototypes } from '../../support/fuzz/prototypes.ts';
import { bodyOf, fullPod } from '../../support/fuzz/pods.ts';
import { bodyChecker } from '../../support/fuzz/reviewed-body.ts';
import { shippedFolders } from '../../support/sidecars/shipped-sidecars.ts';
import { reviewOf } from '../../support/builders/reviews.ts';

const file = 'test/fuzz/settings/documents.test.ts';
const object = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration' };

/** Settings that say something of everything. */
const settings: readonly Json[] = [
  {
    ...object,
    spec: {
      injection: {
        policy: 'enabled',
        defaultTemplates: ['sidecar'],
        neverInjectSelector: [{ matchLabels: { a: 'b' } }],
        alwaysInjectSelector: [{ matchExpressions: [{ key: 'x', operator: 'In', values: ['y'] }] }],
        excludedNamespaces: ['kube-*'],
        nativeSidecars: 'auto',
        onInvalidPatch: 'deny',
      },
      proxy: {
        image: 'envoy:1',
        allowedImages: ['mirror.example/*'],
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1', memory: '1Gi' } },
        imagePullSecrets: ['pull'],
        applicationDrainSeconds: 5,
        statusPort: 15_020,
      },
      capture: { mode: 'REDIRECT', excludeInboundPorts: '22' },
      profiles: [
        { name: 'small', namespaces: ['shop'], caps: { cpu: '500m', capture: 'fixed' }, proxy: { logLevel: 'error' } },
      ],
      sidecars: { allowSecretsIn: ['shop'], allowPrivilegedIn: [] },
    },
  },
  {
    ...object,
    spec: {
      mode: 'istiod',
      istiod: {
        values: { global: { tag: '1.28.0', proxy: { resources: { limits: { cpu: '1' } } } } },
        meshConfig: { defaultConfig: { holdApplicationUntilProxyStarts: true } },
      },
    },
  },
  { ...object, spec: {} },
];

const templates: readonly Json[] = shippedFolders.flatMap((folder) =>
  parseAllDocuments(readFileSync(path.join(folder, 'template.yaml'), 'utf8'), { version: '1.1' }).map(
    (document) => document.toJS() as Json,
  ),
);

interface Input {
  readonly settings: Json;
  readonly templates: readonly Json[];
}

/** Either every problem as a sentence, or settings by which pods are decided without a failure. */
async function check(input: Buffer): Promise<void> {
  const given = JSON.parse(input.toString('utf8')) as Input;
  const result = createSnapshot(given);
  expectUntouchedPrototypes();
  if ('problems' in result) {
    expect(result.problems.length).toBeGreaterThan(0);
    for (const problem of result.problems) expect(describeProblem(problem)).toMatch(/\S/);
    return;
  }
  const { snapshot } = result;
  const references = [...snapshot.templates.keys()].join(',');
  const annotations = references === '' ? {} : { 'inject.istio.io/templates': references };
  const pod = { ...fullPod, metadata: { ...(fullPod['metadata'] as object), annotations } };
  const { failure } = review(JSON.stringify(reviewOf(pod)), createInjector(snapshot)) as { failure?: unknown };
  if (failure !== undefined) throw failure;
  const holds = bodyChecker(snapshot);
  for (const one of [fullPod, pod]) await holds(bodyOf(reviewOf(one)));
}

const encoded = (inputs: fc.Arbitrary<Input>): fc.Arbitrary<Buffer> =>
  inputs.map((input) => Buffer.from(JSON.stringify(input)));

campaign({
  name: 'settings',
  file,
  inputs: encoded(fc.record({ settings: changedJson(fc.constantFrom(...settings)), templates: fc.constant([]) })),
  check,
});

campaign({
  name: 'templates',
  file,
  inputs: encoded(
    changedJson(fc.constantFrom(...templates)).map((template) => ({
      settings: { ...object, spec: { sidecars: { allowSecretsIn: ['*'], allowPrivilegedIn: ['*'] } } },
      templates: [template],
    })),
  ),
  check,
});
