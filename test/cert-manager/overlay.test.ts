import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { registrationEntries } from '../../src/injection/policy/registration.ts';
import { readBundles } from '../support/builders/registration.ts';
import { install } from '../support/cluster/installation.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { kubectl, runKubectl } from '../support/cluster/kubectl.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { startProgram, type BackgroundProgram } from '../support/processes/background-program.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(240_000);

const secretPath = '/api/v1/namespaces/sidecar-injector-system/secrets/sidecar-injector-tls';
const overlay = { kustomization: 'overlays/cert-manager' };
let controlPlane: ControlPlane;
let cluster: TestCluster;
let certManager: BackgroundProgram;
let injector: InjectorProcess;
let port: number;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  cluster = openTestCluster(controlPlane);
  port = await findFreePort();
  const { kubeconfig, folder } = controlPlane;
  await kubectl(kubeconfig, ['apply', '--server-side', '-f', process.env['CERT_MANAGER_CRDS'] ?? '']);
  await kubectl(kubeconfig, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
  const command = [process.env['CERT_MANAGER_BIN'] ?? 'cert-manager', kubeconfig] as const;
  certManager = startProgram('cert-manager', command, { logFile: path.join(folder, 'cert-manager.log') });
  await install(controlPlane, { port, ...overlay });
  const files = await mountSecret(await issued());
  injector = await startInjector({ folder, certificate: { files }, port });
});
afterAll(async () => {
  cluster.api.close();
  await injector.stop('SIGTERM');
  await certManager.stop('SIGTERM');
  await controlPlane.stop();
});

type Data = Readonly<Record<string, string>>;

/** The Secret's content when cert-manager has filled it, with another certificate than the one given. */
async function issued(before?: string): Promise<Data> {
  return until(
    'cert-manager has issued',
    async () => {
      if (!certManager.isRunning()) throw new Error(`cert-manager ended:\n${await certManager.readLog()}`);
      const { data } = (await cluster.api.get<{ data?: Data }>(secretPath)).body;
      return data?.['tls.crt'] !== undefined && data['tls.crt'] !== before ? data : undefined;
    },
    120_000,
  );
}

/** What the kubelet does with the Secret: both files are replaced. */
async function mountSecret(data: Data): Promise<readonly [string, string]> {
  const folder = path.join(controlPlane.folder, 'tls');
  await mkdir(folder, { recursive: true });
  const files = ['tls.crt', 'tls.key'].map((name) => path.join(folder, name));
  for (const file of files) {
    await writeFile(`${file}.new`, Buffer.from(data[path.basename(file)] ?? '', 'base64'), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return [files[0] ?? '', files[1] ?? ''];
}

const decode = (text: string | undefined) =>
  Buffer.from(text ?? '', 'base64')
    .toString('utf8')
    .trim();

test('the real cert-manager issues the certificate and writes its CA into every entry: pods are injected', async () => {
  await untilInjecting(cluster);
  const { data } = (await cluster.api.get<{ data: Data }>(secretPath)).body;
  expect((await readBundles(cluster.api)).map((bundle) => bundle?.trim())).toEqual(
    registrationEntries.map(() => decode(data['ca.crt'])),
  );
});

test('a renewal refuses no pod', async () => {
  const namespace = await cluster.createNamespace(injected);
  const before = (await cluster.api.get<{ data: Data }>(secretPath)).body.data['tls.crt'];
  let over = false;
  const refused: string[] = [];
  let created = 0;
  const creating = (async () => {
    while (!over) {
      const { status, body } = await cluster.createPod(namespace, makePod('pod'), 'dryRun=All');
      if (status === 201 && body.spec.initContainers !== undefined) created++;
      else refused.push(`${status} ${body.message}`);
    }
  })();
  await cluster.api.delete(secretPath);
  await mountSecret(await issued(before));
  const loaded = () =>
    injector.readLines().then((lines) => lines.filter(({ event }) => event === 'pair-loaded').length);
  await until('the renewed certificate is served', async () => (await loaded()) >= 2 || undefined);
  const enough = created + 20;
  await until('more pods are created', () => created >= enough || refused.length > 0 || undefined);
  over = true;
  await creating;
  expect(refused).toEqual([]);
});

test('the overlay applied again leaves the bundles alone', async () => {
  const before = await readBundles(cluster.api);
  await install(controlPlane, { port, ...overlay });
  expect(await readBundles(cluster.api)).toEqual(before);
  const answer = await runKubectl(controlPlane.kubeconfig, ['get', 'certificates', '-A', '-o', 'name']);
  expect(answer.stdout.trim().split('\n')).toHaveLength(2);
});
