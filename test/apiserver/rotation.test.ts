import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { objectMember, objectsMember, stringMember } from '../../src/json/json.ts';
import { connect } from '../../src/kubernetes/client.ts';
import { startWatcher } from '../../src/kubernetes/watcher.ts';
import { pace } from '../../src/runtime/pace.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { install, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { postReview } from '../support/http/https-client.ts';
import { untilReadiness } from '../support/http/readiness.ts';
import { askSteadily } from '../support/http/steady-reviews.ts';
import { startProgram, type BackgroundProgram } from '../support/processes/background-program.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

/** `ROTATION_SECONDS=60` for the long form. */
const seconds = Number(process.env['ROTATION_SECONDS'] ?? 5);
const rotations = 2;
const servername = 'sidecar-injector.sidecar-injector-system.svc';

jest.setTimeout(120_000 + seconds * 1_000);

let controlPlane: ControlPlane;
let cluster: TestCluster;
let ports: readonly number[];
const replicas: BackgroundProgram[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane();
  cluster = openTestCluster(controlPlane);
  ports = await Promise.all([findFreePort(), findFreePort()]);
  await install(controlPlane, { port: ports[0] ?? 0 });
  const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
  const script = path.join(root, 'test/support/processes/rotating-replica.ts');
  for (const port of ports) {
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      script,
      kubeconfig,
      String(port),
    ] as const;
    const logFile = path.join(controlPlane.folder, `replica-${port}.log`);
    replicas.push(startProgram(`replica ${port}`, command, { logFile, env: { ...process.env, NODE_OPTIONS: '' } }));
  }
  for (const port of ports) await untilReadiness(port, ({ status }) => status === 200);
  await untilInjecting(cluster);
});
afterAll(async () => {
  cluster.api.close();
  for (const replica of replicas) await replica.stop('SIGTERM');
  await controlPlane.stop();
});

/** How often a replica has presented a leaf of another CA. */
async function switches(replica: BackgroundProgram): Promise<number> {
  return (await replica.readLog()).split('the CA has changed').length - 1;
}

/** The bundle that a client trusts which hears of changes by a watch, as API servers do. */
async function watchBundle(): Promise<{ trusted(): string; stop(): void }> {
  const client = await connect({ kubeconfig: controlPlane.kubeconfig });
  let trusted = '';
  const watcher = startWatcher({
    client,
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    onChanges(changes) {
      const registration = changes.findLast(({ key }) => key === 'sidecar-injector')?.object;
      const [entry] = objectsMember(registration, 'webhooks');
      const bundle = stringMember(objectMember(entry, 'clientConfig'), 'caBundle');
      if (bundle !== undefined) trusted = Buffer.from(bundle, 'base64').toString('utf8');
    },
    onState: () => undefined,
    onContact: () => undefined,
    pace,
  });
  return {
    trusted: () => trusted,
    stop() {
      watcher.stop();
      client.close();
    },
  };
}

test('two replicas replace their certificates every five seconds: of 200 reviews a second over fresh connections none is refused', async () => {
  const bundle = await watchBundle();
  await until('the bundle is known', () => bundle.trusted() || undefined);
  const namespace = await cluster.createNamespace(injected);
  const before = await Promise.all(replicas.map(switches));
  const startMs = performance.now();
  let over = false;
  const isOver = () => over;
  const body = JSON.stringify(reviewOf(podOf()));
  const direct = askSteadily(
    200,
    async (index) => {
      const target = { port: ports[index % ports.length] ?? 0, ca: bundle.trusted(), servername };
      return responseOf(await postReview(target, body)).patchType ?? 'no patch';
    },
    isOver,
  );
  const throughApiServer = askSteadily(
    20,
    async () => {
      const { status, body: pod } = await cluster.createPod(namespace, makePod('pod'), 'dryRun=All');
      return status === 201 && pod.spec.initContainers !== undefined ? 'injected' : `${status} ${pod.message}`;
    },
    isOver,
  );
  await until(
    'both replicas have presented leaves of further CAs',
    async () => {
      const now = await Promise.all(replicas.map(switches));
      const enough = now.every((count, index) => count - (before[index] ?? 0) >= rotations);
      return (enough && performance.now() - startMs > seconds * 1_000) || undefined;
    },
    60_000 + seconds * 1_000,
  );
  over = true;
  const [reviews, pods] = await Promise.all([direct, throughApiServer]);
  bundle.stop();
  const after = await Promise.all(replicas.map(switches));
  process.stdout.write(
    `${((performance.now() - startMs) / 1_000).toFixed(0)} s, changes of CA ${after.map((count, index) => count - (before[index] ?? 0)).join(' and ')}: reviews ${JSON.stringify(reviews)}, pods ${JSON.stringify(pods)}\n`,
  );
  expect(Object.keys(reviews)).toEqual(['JSONPatch']);
  expect(Object.keys(pods)).toEqual(['injected']);
});
