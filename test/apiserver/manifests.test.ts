import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import {
  installFile,
  meshFile,
  renderInstall,
  renderKustomization,
  renderMesh,
} from '../../scripts/manifests/install.ts';
import { root } from '../../scripts/checkout.ts';
import { findProgram } from '../harness/tools/kubernetes.ts';
import { runKubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';

const oldKustomize = process.env['OLD_KUSTOMIZE_BIN'] ?? 'kustomize';
const kubectlPath = findProgram('kubectl', process.env);
const overlays = (await readdir(path.join(root, 'deploy/overlays'))).map((name) => `overlays/${name}`);

test('deploy/install.yaml and deploy/mesh.yaml are what `make manifests` writes', async () => {
  expect(await readFile(path.join(root, installFile), 'utf8')).toBe(await renderInstall(kubectlPath));
  expect(await readFile(path.join(root, meshFile), 'utf8')).toBe(await renderMesh(kubectlPath));
});

describe.each(['base', 'mesh', ...overlays])('deploy/%s', (folder) => {
  test('is accepted by the API server without a warning', async () => {
    const { kubeconfig } = sharedCluster();
    const documents = (await renderKustomization(folder, kubectlPath)).split(/^---\n/m);
    // A dry run creates no namespace for what follows in it, and cert-manager's kinds are not in this cluster.
    const checked = documents
      .filter((text) => !text.includes('apiVersion: cert-manager.io/'))
      .map((text) => text.replaceAll('namespace: sidecar-injector-system', 'namespace: default'))
      .join('---\n');
    const args = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
    expect(await runKubectl(kubeconfig, args, checked)).toMatchObject({ code: 0, stderr: '' });
  });

  test('is the same from the oldest supported kustomize', async () => {
    const { stdout } = await promisify(execFile)(oldKustomize, ['build', path.join(root, 'deploy', folder)]);
    expect(stdout).toBe(await renderKustomization(folder, kubectlPath));
  });
});
