import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { defaultRootPolicy, type RootPolicy } from '../../src/mesh/identity/root-rotation.ts';
import type { DiscoveryProbe } from '../support/mesh/discovery-probe.ts';
import { certManagerValues, makeForeign, type ForeignCertificate } from '../support/mesh/foreign-authorities.ts';
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
  await mesh.cluster.api.delete(secretPath('cacerts'));
  await mesh.cluster.api.patch(secretPath('sidecar-injector-mesh-root'), { metadata: { annotations: null } });
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

/** A rotation that takes as long as all proxies need to answer. */
const moments = { leastMs: 0, mostMs: 60_000 };
const rootPolicy: RootPolicy = { ...defaultRootPolicy, roundMs: 100, arrivalMs: 0, usual: moments, urgent: moments };

async function secretValue(name: string, key: string): Promise<string> {
  const { body } = await mesh.cluster.api.get<{ data?: Record<string, string>; metadata: object }>(secretPath(name));
  return atob(body.data?.[key] ?? '');
}

const rootValue = (key: string): Promise<string> => secretValue('sidecar-injector-mesh-root', key);

const encoded = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, btoa(value)]));

function give(values: Readonly<Record<string, string>>): Promise<unknown> {
  return mesh.cluster.api.create(`/api/v1/namespaces/${system}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'cacerts' },
    data: encoded(values),
  });
}

/** The roots that a proxy knows, and the chain that it shows, as it was told last. */
function secretsOf(probe: DiscoveryProbe): { readonly roots: string; readonly chain: string } {
  const textOf = (name: string): string => {
    const resources = probe.responses.flatMap((response) => response.resources);
    const text = JSON.stringify(resources.findLast((one) => one.name === name)?.message ?? {});
    return Object.values(JSON.parse(text) as object).length === 0 ? '' : text;
  };
  return { roots: textOf('ROOTCA'), chain: textOf('default') };
}

const certificatesIn = (text: string): number => text.split('BEGIN CERTIFICATE').length - 1;

async function proxyOf(replica: MeshReplica, name: string): Promise<DiscoveryProbe> {
  const { uid } = await mesh.createPod(name);
  const probe = await replica.letIn(await mesh.tokenOf(name, uid));
  probe.subscribe('secret', ['default', 'ROOTCA']);
  await until('its secrets', () => (secretsOf(probe).chain !== '' && secretsOf(probe).roots !== '') || undefined);
  return probe;
}

describe('the root of workloads', () => {
  test('is replaced by two replicas together when somebody asks', async () => {
    const replicas = await Promise.all([mesh.start({ rootPolicy }), mesh.start({ rootPolicy })]);
    const proxies = [await proxyOf(replicas[0], 'one'), await proxyOf(replicas[1], 'two')];
    const first = await rootValue('ca.crt');
    const before = mesh.log().length;
    await mesh.cluster.api.patch(secretPath('sidecar-injector-mesh-root'), {
      metadata: { annotations: { 'mesh.sidecar-injector.io/rotate': 'today' } },
    });
    await until(
      'the next root',
      async () => ((await rootValue('generation')) === '2' && (await rootValue('phase')) === 'stable') || undefined,
    );
    const second = await rootValue('ca.crt');
    expect(second).not.toBe(first);
    const said = (text: string): string => JSON.stringify(text).slice(1, -1);
    for (const probe of proxies) {
      await until(
        'the next root alone',
        () =>
          (secretsOf(probe).roots.includes(said(second)) && !secretsOf(probe).roots.includes(said(first))) || undefined,
      );
      expect(probe.ending()).toBeUndefined();
    }
    expect(mesh.log().slice(before)).toContain('"phase":"trust"');
    expect(mesh.log().slice(before)).not.toMatch(/"level":"error"|PRIVATE/);
    for (const replica of replicas) {
      const { text } = await replica.ask('metrics', '/metrics');
      expect(text).toContain('sidecar_injector_mesh_root_phase{phase="stable"} 1\n');
      const end = new X509Certificate(second).validToDate.getTime() / 1_000;
      expect(text).toContain(`sidecar_injector_mesh_authority_expiry_timestamp_seconds{authority="mesh"} ${end}\n`);
      await replica.stop();
    }
    for (const name of ['one', 'two']) await mesh.deletePod(name);
  });

  test('stays what it is when its Secret is edited to garbage, which is said; an emptied Secret is filled with it', async () => {
    const replica = await mesh.start({ rootPolicy });
    const probe = await proxyOf(replica, 'web');
    const [first, before] = [await rootValue('ca.crt'), secretsOf(probe)];
    await mesh.cluster.api.patch(secretPath('sidecar-injector-mesh-root'), { data: { 'ca.crt': btoa('garbage') } });
    const problem =
      'the Secret sidecar-injector-mesh-root: ca.crt is not one certificate in PEM; this replica goes on with what it has';
    await until('the log to say so', () => mesh.log().includes(problem) || undefined);
    const health = await replica.ask('health', '/readyz?verbose');
    expect(health).toEqual({ status: 200, text: expect.stringContaining(problem) });
    expect((await replica.ask('metrics', '/metrics')).text).toContain('authority_problems{authority="mesh"} 1\n');
    await mesh.cluster.api.patch(secretPath('sidecar-injector-mesh-root'), { data: null });
    await until('the Secret to be filled', async () => (await rootValue('ca.crt')) === first || undefined);
    await until(
      'peace',
      async () =>
        (await replica.ask('metrics', '/metrics')).text.includes('authority_problems{authority="mesh"} 0\n') ||
        undefined,
    );
    expect(secretsOf(probe)).toEqual(before);
    await replica.stop();
    await mesh.deletePod('web');
  });

  test("is a company's, with an intermediate that ends soon, which an Event says", async () => {
    const company = makeForeign({ name: 'Company', days: 3_000 });
    const [signer, next] = ['Mesh', 'Mesh again'].map((name) => makeForeign({ name, issuer: company, days: 20 })) as [
      ForeignCertificate,
      ForeignCertificate,
    ];
    await give(certManagerValues(signer, company));
    const replica = await mesh.start({ rootPolicy });
    const probe = await proxyOf(replica, 'web');
    expect(certificatesIn(secretsOf(probe).chain)).toBe(2);
    expect(secretsOf(probe).roots).toContain(
      JSON.stringify(new X509Certificate(company.certificate).toString()).slice(1, -1),
    );
    const events = await until('an Event', async () => {
      const { body } = await mesh.cluster.api.get<{
        items: readonly { reason: string; note: string; regarding: object }[];
        metadata: object;
      }>(`/apis/events.k8s.io/v1/namespaces/${system}/events`);
      const found = body.items.filter(({ reason }) => reason === 'AuthorityExpires');
      return found.length > 0 ? found : undefined;
    });
    expect(events).toEqual([
      expect.objectContaining({ note: expect.stringContaining('the authority in this Secret ends on') }),
    ]);
    expect(events[0]?.regarding).toMatchObject({
      kind: 'Secret',
      name: 'sidecar-injector-mesh-root',
      uid: expect.any(String),
    });
    // Another intermediate of the same root signs at once.
    const { chain } = secretsOf(probe);
    await mesh.cluster.api.patch(secretPath('cacerts'), { data: encoded(certManagerValues(next, company)) });
    await until('a certificate of the next intermediate', () => secretsOf(probe).chain !== chain || undefined);
    expect(await rootValue('phase')).toBe('stable');
    // Garbage changes nothing.
    await mesh.cluster.api.patch(secretPath('cacerts'), { data: { 'tls.crt': btoa('garbage') } });
    await until(
      'the log to say so',
      () =>
        mesh
          .log()
          .includes(
            'the Secret cacerts: tls.crt holds no certificates in PEM: no PEM certificate found; what signs now stays',
          ) || undefined,
    );
    expect(probe.ending()).toBeUndefined();
    await replica.stop();
    await mesh.deletePod('web');
  });

  test('a control plane does not start with nothing but garbage that is given', async () => {
    await give({ 'tls.crt': 'garbage', 'tls.key': 'garbage' });
    await expect(mesh.start()).rejects.toThrow('the Secret cacerts: tls.crt holds no certificates in PEM');
  });
});

describe('a control plane does not start, and says why', () => {
  test('with a Secret that holds something else', async () => {
    const data = { 'ca.crt': btoa('garbage'), 'ca.key': btoa('garbage') };
    await mesh.cluster.api.patch(secretPath('sidecar-injector-mesh-root'), { data });
    await expect(mesh.start()).rejects.toThrow(
      'the Secret sidecar-injector-mesh-root: ca.crt is not one certificate in PEM; put back what was there, or remove all keys',
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
      ...(verbs.length === 0 ? [] : [{ ...rule, resources: [resource], verbs }]),
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
