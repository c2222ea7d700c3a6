import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openMeshCluster, type MeshCluster, type MeshReplica } from '../support/mesh/mesh-cluster.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

// Secrets, ConfigMap and rights of the control plane, as a first start and people leave them.

const system = 'sidecar-injector-system';
const account = `system:serviceaccount:${system}:sidecar-injector-mesh`;
const secrets = ['sidecar-injector-mesh-control-plane', 'sidecar-injector-mesh-root'];
const roots = `/api/v1/namespaces/${system}/configmaps/sidecar-injector-mesh-roots`;
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const role = `${rbac}/namespaces/${system}/roles/sidecar-injector-mesh`;
const clusterRole = `${rbac}/clusterroles/sidecar-injector-mesh`;

let api: ControlPlane;
let mesh: MeshCluster;

beforeAll(async () => {
  api = await startControlPlane();
  mesh = await openMeshCluster(api);
});

afterAll(async () => {
  try {
    await mesh.close();
  } finally {
    await api.stop();
  }
});

const secretPath = (name: string): string => `/api/v1/namespaces/${system}/secrets/${name}`;

async function emptyAll(): Promise<void> {
  for (const name of secrets) await mesh.cluster.api.patch(secretPath(name), { data: null });
  await mesh.cluster.api.patch(roots, { data: null });
}

afterEach(emptyAll);

async function rootsOf(replica: MeshReplica, token: string): Promise<string> {
  const probe = await replica.letIn(token);
  probe.subscribe('secret', ['default', 'ROOTCA']);
  const { resources } = await probe.untilAbout('secret', 'ROOTCA');
  return JSON.stringify(resources.find(({ name }) => name === 'ROOTCA')?.message);
}

test('replicas that start at once, and first of all, have the same authorities', async () => {
  await emptyAll();
  const replicas = await Promise.all([mesh.start(), mesh.start(), mesh.start()]);
  const { uid } = await mesh.createPod('web');
  const token = await mesh.tokenOf('web', uid);
  const all = await Promise.all(replicas.map((replica) => rootsOf(replica, token)));
  expect(new Set(all).size).toBe(1);
  await mesh.deletePod('web');
  for (const replica of replicas) await replica.stop();
});

describe('a control plane does not start, and says why', () => {
  test('with a Secret that holds something else', async () => {
    const data = { 'ca.crt': btoa('garbage'), 'ca.key': btoa('garbage') };
    await mesh.cluster.api.patch(secretPath('sidecar-injector-mesh-root'), { data });
    await expect(mesh.start()).rejects.toThrow(
      'the Secret sidecar-injector-mesh-root: ca.crt is not one certificate in PEM; put back what was there, or remove both keys',
    );
  });

  test('without the ConfigMap', async () => {
    await mesh.cluster.api.delete(roots);
    await expect(mesh.start()).rejects.toThrow('the ConfigMap sidecar-injector-mesh-roots does not exist: apply');
    const metadata = { name: 'sidecar-injector-mesh-roots' };
    const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
    const answer = await mesh.cluster.api.create(`/api/v1/namespaces/${system}/configmaps`, made);
    expect(answer.status).toBe(201);
  });
});

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Takes a right away while the action runs. */
async function without(path: string, verb: string, resource: string, action: () => Promise<void>): Promise<void> {
  const { body } = await mesh.cluster.api.get<{ rules: readonly Rule[]; metadata: object }>(path);
  const rest = body.rules.flatMap((rule): Rule[] => {
    if (!rule.resources.includes(resource)) return [rule];
    const others = rule.resources.filter((other) => other !== resource);
    const verbs = rule.verbs.filter((other) => other !== verb);
    return [
      ...(others.length === 0 ? [] : [{ ...rule, resources: others }]),
      { ...rule, resources: [resource], verbs },
    ];
  });
  const set = async (rules: readonly Rule[], allowed: boolean): Promise<void> => {
    expect((await mesh.cluster.api.patch(path, { rules })).status).toBe(200);
    await until('the authorizer to know', async () => {
      const group = resource === 'endpointslices' ? 'discovery.k8s.io' : '';
      const name = resource === 'configmaps' ? 'sidecar-injector-mesh-roots' : 'sidecar-injector-mesh-root';
      const isNamed = path === role;
      const answer = await mesh.cluster.api.create<{ status: { allowed: boolean }; metadata: object }>(
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: account,
            resourceAttributes: { verb, resource, group, ...(isNamed && { name, namespace: system }) },
          },
        },
      );
      return answer.body.status.allowed === allowed || undefined;
    });
  };
  await set(rest, false);
  try {
    await action();
  } finally {
    await set(body.rules, true);
  }
}

describe('without a right', () => {
  test.each([
    ['get', 'secrets'],
    ['update', 'secrets'],
    ['get', 'configmaps'],
    ['patch', 'configmaps'],
  ])('to %s %s, a control plane does not start, and names it', async (verb, resource) => {
    await without(role, verb, resource, async () => {
      await expect(mesh.start()).rejects.toThrow(`cannot ${verb} resource "${resource}"`);
    });
  });

  test.each([
    ['list', 'services'],
    ['watch', 'pods'],
    ['list', 'endpointslices'],
  ])('to %s %s, it waits until it is stopped, and names it', async (verb, resource) => {
    await without(clusterRole, verb, resource, async () => {
      const before = mesh.log().length;
      const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
      const starting = mesh.start({ stopped });
      const denied = `cannot ${verb} resource \\"${resource}\\"`;
      await until('the log to say so', () => mesh.log().slice(before).includes(denied) || undefined);
      stop(undefined);
      await (await starting).stop();
    });
  });
});
