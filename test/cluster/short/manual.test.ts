import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { injectionLabels } from '../../../src/injection/patch/injection-labels.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { createClusterNamespace, readyCount, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { runProgram } from '../../support/processes/served-program.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';

jest.setTimeout(150_000);

const file = path.join(root, 'examples/httpd/httpd.yaml');
let byHand: ClusterNamespace;
let byWebhook: ClusterNamespace;

beforeAll(async () => {
  [byHand, byWebhook] = await Promise.all([createClusterNamespace(), createClusterNamespace(injected)]);
});
afterAll(() => Promise.all([byHand.remove(), byWebhook.remove()]));

/** Writes a ConfigMap of the injector as files into a folder of its own, as the replicas see it. */
async function writeConfigMap(name: string, parent: string): Promise<string> {
  const text = await system.kubectl('get', 'configmap', `sidecar-injector-${name}`, '-o=json');
  const { data } = JSON.parse(text) as { data: Record<string, string> };
  const folder = path.join(parent, name);
  await mkdir(folder);
  for (const [key, content] of Object.entries(data)) await writeFile(path.join(folder, key), content);
  return folder;
}

/** The pod of httpd without what differs from pod to pod: name, namespace, token volume, owner, node. */
async function comparable(namespace: ClusterNamespace): Promise<JsonObject> {
  await namespace.rollOut('deployment/httpd');
  const [pod] = await namespace.pods('app=httpd');
  if (pod === undefined) throw new Error('no pod of httpd');
  expect(readyCount(pod)).toBe('2/2');
  const { annotations = {}, labels = {} } = pod.metadata;
  // Labels for lists are the webhook's alone: those of a template are often written once and referred to.
  const told = new Set(['pod-template-hash', ...Object.values(injectionLabels)]);
  const ownLabels = Object.fromEntries(Object.entries(labels).filter(([key]) => !told.has(key)));
  const { nodeName: _node, volumes = [], ...spec } = pod.spec;
  // Admission adds the token's volume before the webhook is called, so it lies elsewhere in the list.
  const sorted = volumes.toSorted((one, other) => one.name.localeCompare(other.name));
  const { 'sidecar.istio.io/status': status = '', ...ownAnnotations } = annotations;
  // A pod has what the server fills in, a Deployment's template has not: so what `uninject` takes out differs.
  const { undo: _undo, ...injected } = JSON.parse(status) as JsonObject;
  const found = { annotations: ownAnnotations, labels: ownLabels, injected, spec: { ...spec, volumes: sorted } };
  const text = JSON.stringify(found);
  return JSON.parse(text.replaceAll(/kube-api-access-\w+/g, 'kube-api-access')) as JsonObject;
}

test('`sidecar-injector inject | kubectl apply` gives the same pod as the webhook, field by field', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-manual-'));
  const settings = ['--settings', path.join(await writeConfigMap('settings', folder), 'settings.yaml')];
  const sidecars = ['--sidecars', await writeConfigMap('sidecars', folder)];
  const { code, stdout } = await runProgram(['inject', '-f', file, ...settings, ...sidecars]);
  await rm(folder, { recursive: true });
  expect(code).toBe(0);
  await Promise.all([byHand.apply(stdout), byWebhook.kubectl('apply', '-f', file)]);
  const [hand, webhook] = await Promise.all([comparable(byHand), comparable(byWebhook)]);
  expect(hand).toEqual(webhook);
});

test('what was injected by hand is left alone by the webhook', async () => {
  await byHand.kubectl('label', 'namespace', byHand.name, 'istio-injection=enabled');
  const [before] = await byHand.pods('app=httpd');
  await byHand.kubectl('rollout', 'restart', 'deployment/httpd');
  await byHand.rollOut('deployment/httpd');
  const [after] = await byHand.pods('app=httpd');
  expect(after?.metadata.name).not.toBe(before?.metadata.name);
  const names = (pod: typeof before) =>
    [...(pod?.spec.initContainers ?? []), ...(pod?.spec.containers ?? [])].map(({ name }) => name);
  expect(names(after)).toEqual(names(before));
});
