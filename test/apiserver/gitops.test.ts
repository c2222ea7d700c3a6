import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { root } from '../../scripts/checkout.ts';
import { installation } from '../support/builders/gitops-example.ts';
import { readBundles } from '../support/builders/registration.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { renderInstallation, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { runKubectl, kubectl } from '../support/cluster/kubectl.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';

jest.setTimeout(120_000);

/*
 * As Argo CD and Flux apply: on the server's side, again and again, under a name of their own. What the injector writes meanwhile
 * (the CA into its Secret and into the registration) must neither look like drift nor be taken back.
 */

let controlPlane: ControlPlane;
let cluster: TestCluster;
let injector: InjectorProcess;
let manifest: string;

const apply = ['apply', '--server-side', '--field-manager=argocd-controller', '-f', '-'];

beforeAll(async () => {
  controlPlane = await startControlPlane();
  cluster = openTestCluster(controlPlane);
  const port = await findFreePort();
  manifest = await renderInstallation(controlPlane, { port });
  await kubectl(controlPlane.kubeconfig, apply, manifest);
  const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
  injector = await startInjector({ folder: controlPlane.folder, certificate: { kubeconfig }, port });
  await untilInjecting(cluster);
});

afterAll(async () => {
  await injector.stop('SIGTERM');
  cluster.api.close();
  await controlPlane.stop();
});

test('what the injector has written is no drift', async () => {
  const { code, stdout, stderr } = await runKubectl(
    controlPlane.kubeconfig,
    ['diff', '--server-side', '--field-manager=argocd-controller', '-f', '-'],
    manifest,
  );
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('applied again, there is no conflict, and the bundle stays', async () => {
  const before = await readBundles(cluster.api);
  expect(before.every((bundle) => bundle?.includes('BEGIN CERTIFICATE'))).toBe(true);
  const { code, stderr } = await runKubectl(controlPlane.kubeconfig, apply, manifest);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await readBundles(cluster.api)).toEqual(before);
});

test.each(['argocd/application.yaml', 'flux/kustomization.yaml'])(
  'the example %s names a folder that exists',
  async (file) => {
    const text = await readFile(path.join(root, 'examples/gitops', file), 'utf8');
    const documents = parseAllDocuments(text).map((document) => document.toJS() as object);
    expect(installation(documents)).toMatch(/^deploy\/overlays\/\w+$/);
    const rendered = await kubectl(controlPlane.kubeconfig, ['kustomize', path.join(root, installation(documents))]);
    expect(rendered).toContain('kind: MutatingWebhookConfiguration');
  },
);
