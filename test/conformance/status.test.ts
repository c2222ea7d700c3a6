import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import {
  clusterKubeconfig,
  createClusterNamespace,
  type ClusterNamespace,
} from '../support/cluster/cluster-namespace.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { injected } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

// What is said of routes, with Gateway API's own definitions, which check what is written into their status.

jest.setTimeout(180_000);

let namespace: ClusterNamespace;

beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
  const ports = ['http', 'grpc'].map((name, index) => ({ name, port: 80 + index, targetPort: 8080 + index }));
  await namespace.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports } });
});

afterAll(async () => {
  await patchRegistration(['CREATE', 'UPDATE']);
  await namespace.remove();
});

/** Says of which operations on routes the control plane is asked; it comes third of all kinds. */
async function patchRegistration(operations: readonly string[]): Promise<void> {
  const registration = ['validatingwebhookconfiguration', 'sidecar-injector-mesh'];
  const { webhooks } = JSON.parse(await kubectl(clusterKubeconfig(), ['get', ...registration, '-o=json'])) as {
    webhooks: { rules: { resources: string[] }[] }[];
  };
  const place = webhooks[0]?.rules.findIndex(({ resources }) => resources.includes('httproutes'));
  const patch = [{ op: 'replace', path: `/webhooks/0/rules/${place}/operations`, value: operations }];
  await kubectl(clusterKubeconfig(), ['patch', ...registration, '--type=json', `--patch=${JSON.stringify(patch)}`]);
}

function route(kind: string, name: string, rule: JsonObject = {}): JsonObject {
  const port = kind === 'HTTPRoute' ? 80 : 81;
  const parentRefs = [{ group: '', kind: 'Service', name: 'web', port }];
  const rules = [{ backendRefs: [{ name: 'web', port }], ...rule }];
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name }, spec: { parentRefs, rules } };
}

/** What is not supported. */
const sessions = { sessionPersistence: { sessionName: 'user' } };

/** Waits until the status of a route is about its present version, and returns the conditions of its only parent. */
async function conditionsOf(kind: string, name: string): Promise<readonly string[]> {
  type Condition = Record<'type' | 'status' | 'reason' | 'message', string> & { observedGeneration: number };
  type Status = { parents?: { conditions: Condition[] }[] };
  return until(`the status of ${kind} ${name}`, async () => {
    const { metadata, status = {} } = await namespace.get<{ metadata: { generation: number }; status?: Status }>(
      kind,
      name,
    );
    const conditions = status.parents?.flatMap((parent) => parent.conditions) ?? [];
    const isNew = conditions.length > 0 && conditions.every((one) => one.observedGeneration === metadata.generation);
    return isNew
      ? conditions.map(({ type, status: is, reason, message }) => `${type} ${is} ${reason}: ${message}`)
      : undefined;
  });
}

const good = [
  'Accepted True Accepted: the route is understood',
  'ResolvedRefs True ResolvedRefs: all backends are there',
];
const refused = (more = '') =>
  `Accepted False UnsupportedValue: /spec/rules/0/sessionPersistence: is not supported: use a DestinationRule with a consistent hash of a cookie or header${more}`;

test.each(['HTTPRoute', 'GRPCRoute'])('%s: a route says what has become of it', async (kind) => {
  await namespace.apply(route(kind, 'good'));
  expect(await conditionsOf(kind, 'good')).toEqual(good);
  await expect(namespace.apply(route(kind, 'bad', sessions))).rejects.toThrow('/spec/rules/0/sessionPersistence');
  // As if nobody could have been asked. The API server follows its registrations a little later.
  await patchRegistration(['CONNECT']);
  await until('nobody is asked', () =>
    namespace.apply(route(kind, 'bad', sessions), route(kind, 'good', sessions)).then(
      () => true,
      () => undefined,
    ),
  );
  expect(await conditionsOf(kind, 'bad')).toEqual([refused()]);
  expect(await conditionsOf(kind, 'good')).toEqual([refused('; generation 1 stays in force')]);
  await patchRegistration(['CREATE', 'UPDATE']);
  await namespace.apply(route(kind, 'good'));
  expect(await conditionsOf(kind, 'good')).toEqual(good);
});
