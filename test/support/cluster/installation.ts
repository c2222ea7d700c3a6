import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { registrationEntries } from '../../../src/injection/policy/registration.ts';
import { root } from '../../../scripts/checkout.ts';
import { openApiClient } from '../http/api-client.ts';
import { renderKubeconfig, type ClusterAccess } from '../processes/control-plane.ts';
import { kubectl } from './kubectl.ts';

const namespace = 'sidecar-injector-system';
const serviceAccount = 'sidecar-injector';

/** What differs from deploy/base. */
export interface InstallationOptions {
  /** Port of 127.0.0.1 at which the injector of the test listens. */
  readonly port: number;
  /** A folder under deploy/; default `base`. */
  readonly kustomization?: string;
  /** Further JSON Patches, each for one object. */
  readonly patches?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly operations: readonly object[];
  }[];
}

/**
 * Applies the shipped manifests with kubectl, registration in Service form: there is no pod network here, so the
 * Service is an external name for this machine and the registration's port is the test's. Nothing else differs.
 */
export async function install(access: ClusterAccess, options: InstallationOptions): Promise<void> {
  await kubectl(access.kubeconfig, ['apply', '-f', '-'], await renderInstallation(access, options));
}

/** The text that `install` applies. */
export async function renderInstallation(access: ClusterAccess, options: InstallationOptions): Promise<string> {
  const { port, kustomization = 'base', patches = [] } = options;
  const spec = { type: 'ExternalName', externalName: 'localhost', ports: [{ name: 'https', port }] };
  const entryPort = (index: number) => `/webhooks/${index}/clientConfig/service/port`;
  const all = [
    { kind: 'Service', name: 'sidecar-injector', operations: [{ op: 'replace', path: '/spec', value: spec }] },
    {
      kind: 'MutatingWebhookConfiguration',
      name: 'sidecar-injector',
      operations: registrationEntries.map((_entry, index) => ({ op: 'replace', path: entryPort(index), value: port })),
    },
    ...patches,
  ];
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-install-'));
  try {
    const overlay = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [path.relative(folder, path.join(root, 'deploy', kustomization))],
      patches: all.map(({ kind, name, operations }) => ({ target: { kind, name }, patch: JSON.stringify(operations) })),
    };
    await writeFile(path.join(folder, 'kustomization.yaml'), JSON.stringify(overlay));
    return await kubectl(access.kubeconfig, ['kustomize', folder]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A kubeconfig file of the shipped ServiceAccount, with a token that the API server made for it. */
export async function writeServiceAccountKubeconfig(access: ClusterAccess, account = serviceAccount): Promise<string> {
  const api = openApiClient(access);
  try {
    const answer = await api.create<{ status: { token: string } }>(
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
    );
    if (answer.status !== 201) throw new Error(`no token for ${account}: ${answer.body.message}`);
    const file = path.join(access.folder, `${account}.kubeconfig`);
    // Replicas that start at the same time read it.
    const written = `${file}.${randomUUID()}`;
    await writeFile(written, renderKubeconfig({ ...access, token: answer.body.status.token }), { mode: 0o600 });
    await rename(written, file);
    return file;
  } finally {
    api.close();
  }
}
