import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { statusAnnotation } from '../../src/pod/conventions.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { openApiClient, type ApiClient, type Pod } from '../support/http/api-client.ts';
import { startInstalledCluster, type InstalledCluster } from '../support/cluster/installed-cluster.ts';
import { injected, makePod, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { openConnection } from '../support/http/tls-client.ts';

/**
 * A tenant that may create pods in a namespace of its own and nothing else, and a pod without any credential, do what
 * they can to stop the creation of pods elsewhere, through a real API server.
 */

jest.setTimeout(180_000);

let installed: InstalledCluster;
let cluster: TestCluster;
let tenant: ApiClient;
let own: string;
let victim: string;
/** Settings of the injector, which stand in every injected pod. */
let settingsHash: string;

beforeAll(async () => {
  installed = await startInstalledCluster();
  cluster = openTestCluster(installed);
  [own, victim] = await Promise.all([cluster.createNamespace(injected), cluster.createNamespace(injected)]);
  tenant = openApiClient({ ...installed, token: await tenantToken() });
  const { body } = await create(makePod('first'));
  const status: { settingsHash: string } = JSON.parse(body.metadata.annotations?.[statusAnnotation] ?? '');
  ({ settingsHash } = status);
});
afterAll(async () => {
  tenant.close();
  cluster.api.close();
  await installed.stop();
});

const held: Socket[] = [];
afterEach(async () => {
  for (const socket of held.splice(0)) socket.destroy();
  // The shipped Deployment's limit.
  expect(await peakBytes()).toBeLessThan(512 * mebibyte);
});

const mebibyte = 1024 * 1024;

/** A token of an account that may create pods in its namespace. */
async function tenantToken(): Promise<string> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${own}`;
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['create'] }];
  await cluster.api.create(`/api/v1/namespaces/${own}/serviceaccounts`, { metadata: { name: 'tenant' } });
  await cluster.api.create(`${rbac}/roles`, { metadata: { name: 'tenant' }, rules });
  await cluster.api.create(`${rbac}/rolebindings`, {
    metadata: { name: 'tenant' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: own }],
  });
  const path = `/api/v1/namespaces/${own}/serviceaccounts/tenant/token`;
  const { body } = await cluster.api.create<{ metadata: object; status: { token: string } }>(path, { spec: {} });
  return body.status.token;
}

/** What the tenant asks for; nothing is stored. */
function create(pod: JsonObject): ReturnType<TestCluster['createPod']> {
  return tenant.create<Pod>(`/api/v1/namespaces/${own}/pods?dryRun=All`, pod);
}

async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${installed.injector.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Creates pods in the other namespace until the attack is over: each one comes with its proxy. Says what it took. */
async function createBeside(attack: Promise<unknown>, what: string): Promise<void> {
  let isOver = false;
  void attack.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  const times: number[] = [];
  const outcomes: (number | string | undefined)[] = [];
  while (!isOver || times.length < 20) {
    // Several at once, for which the API server opens further connections.
    await Promise.all(
      many(8, async (index) => {
        const start = performance.now();
        const { status, body } = await cluster.createPod(victim, makePod(`pod-${index}`), 'dryRun=All');
        times.push(performance.now() - start);
        outcomes.push(status === 201 && body.spec.initContainers !== undefined ? 'injected' : (body.message ?? status));
      }),
    );
  }
  await attack;
  const sorted = times.toSorted((left, right) => left - right);
  const [middle = 0, worst = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  const failed = outcomes.filter((outcome) => outcome !== 'injected');
  process.stderr.write(
    `${what}: ${times.length} creations beside it, ${failed.length} failed, median ${middle.toFixed(0)} ms, worst ${worst.toFixed(0)} ms, injector ${((await peakBytes()) / mebibyte).toFixed(0)} MiB at most\n`,
  );
  expect(failed).toEqual([]);
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const app = { name: 'app', image: 'registry.example/app:1' };

function forged(status: JsonObject, spec: JsonObject): JsonObject {
  const text = JSON.stringify({ settingsHash, version: 'x', undo: {}, ...status });
  return makePod('forged', { metadata: { annotations: { [statusAnnotation]: text } }, spec });
}

test('a prefix of dashes', async () => {
  const pod = makePod('x', { metadata: { name: undefined, generateName: `${'-'.repeat(300_000)}x` } });
  await createBeside(create(pod), 'generateName of 300 KB');
});

test('a forged status of many names', async () => {
  const pod = forged(
    { templates: ['sidecar'], containers: many(60_000, () => 'a') },
    {
      containers: [
        ...many(12_000, (index) => ({ name: `x${index}`, image: 'x' })),
        { ...app, name: 'a' },
        { ...app, name: 'istio-proxy', args: ['--config-yaml', 'x'] },
        { ...app, name: 'new', readinessProbe: { httpGet: { port: 80 } } },
      ],
    },
  );
  await createBeside(create(pod), 'status of 60,000 names, pod of 12,000 containers');
});

test('probes that are long, again and again', async () => {
  const attack = async (): Promise<void> => {
    for (let index = 0; index < 60; index++) {
      const readinessProbe = { httpGet: { port: 8080, path: `/${'a'.repeat(2_800_000)}` } };
      await create(makePod(`w${index}`, { spec: { containers: [{ ...app, readinessProbe }] } }));
    }
  };
  await createBeside(attack(), '60 pods with a probe of 2.8 MB');
});

test('bodies that are promised and never come', async () => {
  const attack = async (): Promise<void> => {
    const connections = await Promise.all(
      many(10, () => openConnection({ port: installed.injector.port, ca: '' }, { rejectUnauthorized: false })),
    );
    for (const [index, connection] of connections.entries()) {
      held.push(connection.socket);
      const length = index === 9 ? mebibyte : 7 * mebibyte;
      const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}`;
      connection.write(`${head}\r\n\r\n{`);
    }
    await Promise.all(connections.map(({ closed }) => closed));
  };
  await createBeside(attack(), 'ten slow bodies');
});

test('connections that lie open', async () => {
  const attack = async (): Promise<void> => {
    for (let batch = 0; batch < 43; batch++) {
      const opened = many(100, () => connect(installed.injector.port, '127.0.0.1').on('error', () => undefined));
      held.push(...opened);
      await Promise.all(
        opened.map((socket) => new Promise((resolve) => void socket.once('connect', resolve).once('close', resolve))),
      );
    }
  };
  await createBeside(attack(), '4,300 idle connections');
  await createBeside(Promise.resolve(), 'the same, lying there');
});
