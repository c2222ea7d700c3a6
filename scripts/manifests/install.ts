import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../checkout.ts';

/** The generated file, relative to the checkout. */
export const installFile = 'deploy/install.yaml';

const header = `# Generated from deploy/base by \`make manifests\`; do not edit.
#   install:   kubectl apply -f install.yaml
#   uninstall: kubectl delete mutatingwebhookconfiguration sidecar-injector
#              kubectl delete --ignore-not-found -f install.yaml
`;

/** What kustomize makes of a folder under deploy/. Throws with kustomize's own sentence when it refuses. */
export async function renderKustomization(folder: string, kubectl: string): Promise<string> {
  const { stdout } = await promisify(execFile)(kubectl, ['kustomize', path.join(root, 'deploy', folder)]);
  return stdout;
}

/** The text that deploy/install.yaml has to be. */
export async function renderInstall(kubectl: string): Promise<string> {
  return header + (await renderKustomization('base', kubectl));
}

/** The generated manifest of the control plane, relative to the checkout. */
export const meshFile = 'deploy/mesh.yaml';

const meshHeader = `# Generated from deploy/mesh by \`make manifests\`; do not edit.
#   install:   kubectl apply -f mesh.yaml       (beside install.yaml)
#   uninstall: kubectl delete --ignore-not-found -f mesh.yaml
`;

/** The text that deploy/mesh.yaml has to be. */
export async function renderMesh(kubectl: string): Promise<string> {
  return meshHeader + (await renderKustomization('mesh', kubectl));
}
