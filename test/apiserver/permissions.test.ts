import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { openApiClient } from '../support/http/api-client.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { startInjector, type InjectorProcess } from '../support/processes/injector-process.ts';
import { install, writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { untilReadiness } from '../support/http/readiness.ts';

jest.setTimeout(120_000);

let controlPlane: ControlPlane;
let port: number;
let injector: InjectorProcess | undefined;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  port = await findFreePort();
});
afterAll(() => controlPlane.stop());

// Every test starts as a first installation does: an empty Secret and no CA bundle.
beforeEach(async () => {
  const names = ['mutatingwebhookconfiguration/sidecar-injector', 'secret/sidecar-injector-ca'];
  const namespace = ['--namespace=sidecar-injector-system', '--ignore-not-found'];
  await kubectl(controlPlane.kubeconfig, ['delete', ...namespace, ...names]);
  await install(controlPlane, { port });
});
afterEach(async () => {
  await injector?.stop('SIGTERM');
  injector = undefined;
});

const role = '/apis/rbac.authorization.k8s.io/v1/namespaces/sidecar-injector-system/roles/sidecar-injector';
const clusterRole = '/apis/rbac.authorization.k8s.io/v1/clusterroles/sidecar-injector';

test('the shipped permissions suffice, from an empty Secret to ready', async () => {
  const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
  injector = await startInjector({ folder: controlPlane.folder, certificate: { kubeconfig }, port });
  await untilReadiness(port, ({ status }) => status === 200);
  expect(await injector.readLog()).not.toMatch(/forbidden/i);
});

test.each([
  ['get', 'secrets', role, 'update'],
  ['update', 'secrets', role, 'get'],
  ['get', 'mutatingwebhookconfigurations', clusterRole, 'patch'],
  ['patch', 'mutatingwebhookconfigurations', clusterRole, 'get'],
])('without %s of its %s it is not ready and says why; with it, it is', async (verb, resource, path, otherVerb) => {
  const api = openApiClient(controlPlane);
  const { body } = await api.get<{ rules: { verbs: string[] }[] }>(path);
  const rules = body.rules.map((rule) => ({ ...rule, verbs: [otherVerb] }));
  expect((await api.patch(path, { rules })).status).toBe(200);
  const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
  injector = await startInjector({ folder: controlPlane.folder, certificate: { kubeconfig }, port });
  const { text } = await untilReadiness(
    port,
    (readiness) => readiness.status === 503 && /^\[-\].*forbidden/im.test(readiness.text),
  );
  expect(text).toContain(`cannot ${verb} resource "${resource}"`);
  expect((await api.patch(path, { rules: body.rules })).status).toBe(200);
  await untilReadiness(port, ({ status }) => status === 200);
  api.close();
});

test.each([
  ['Secret', 'secret/sidecar-injector-ca', /CA Secret does not exist/],
  ['registration', 'mutatingwebhookconfiguration/sidecar-injector', /webhook configuration/],
])('started before its %s exists it waits and says for what', async (_what, object, named) => {
  const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
  await kubectl(controlPlane.kubeconfig, ['delete', '--namespace=sidecar-injector-system', object]);
  injector = await startInjector({ folder: controlPlane.folder, certificate: { kubeconfig }, port });
  const { text } = await untilReadiness(port, ({ status, text: told }) => status === 503 && named.test(told));
  expect(text).toMatch(/^\[-\] certificate: /m);
  await install(controlPlane, { port });
  await untilReadiness(port, ({ status }) => status === 200);
});

test('whoever holds the token can do nothing else', async () => {
  const kubeconfig = await writeServiceAccountKubeconfig(controlPlane);
  const list = ['auth', 'can-i', '--list', '--no-headers', '--namespace=sidecar-injector-system'];
  const rightsOf = async (held: string, ...as: string[]) => (await kubectl(held, [...list, ...as])).split('\n');
  // Some versions let every account read something, such as ClusterTrustBundles from 1.37 on.
  const everyones = await rightsOf(controlPlane.kubeconfig, '--as=system:serviceaccount:default:default');
  const normal = (line: string) => line.trim().split(/\s{2,}/);
  const common = new Set(everyones.map((line) => normal(line).join(' ')));
  const rules = (await rightsOf(kubeconfig)).map(normal).filter((rule) => !common.has(rule.join(' ')));
  expect(rules).toEqual(
    expect.arrayContaining([
      ['secrets', '[]', '[sidecar-injector-ca]', '[get update]'],
      ['mutatingwebhookconfigurations.admissionregistration.k8s.io', '[]', '[sidecar-injector]', '[get patch]'],
      ['events.events.k8s.io', '[]', '[]', '[create]'],
      ['namespaces', '[]', '[]', '[list watch]'],
    ]),
  );
  expect(rules).toHaveLength(4);
});
