import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { accessFilters } from '../../src/envoy/access-filters.ts';
import { objectAt, objectMember, type JsonObject } from '../../src/json/json.ts';
import { decideAccess, type Arrival } from '../../src/mesh/explain/access.ts';
import { planAccess, type AccessPlan } from '../../src/mesh/plan/access-plan.ts';
import { httpAccess, tcpAccess } from '../../src/mesh/resources/access.ts';
import * as fc from '../support/fast-check.ts';
import { startAccessEnvoy, type AccessEnvoy, type HttpCall } from '../support/mesh/access-envoy.ts';
import { randomArrival, randomPolicies } from '../support/mesh/random-access.ts';
import { rulesOf } from '../support/mesh/rules.ts';

jest.setTimeout(120_000);

/* What `mesh explain` says about who may call a pod is what a real Envoy does, for random policies and calls. */

const count = Number(process.env['FAST_CHECK_RUNS'] ?? 60);
const calls = 15;
const plans: readonly AccessPlan[] = fc
  .sample(randomPolicies, count)
  .map((policies) => planAccess(rulesOf(policies), { namespace: 'shop', labels: {} }, 'istio-system'));
const routes = plans.map((plan) => httpAccess(plan, 'cluster.local'));
const chains = plans.slice(0, 15).map((plan) => tcpAccess(plan, 'cluster.local'));

let envoy: AccessEnvoy;
beforeAll(async () => {
  envoy = await startAccessEnvoy({ ours: { filters: accessFilters, routes } }, () => chains);
});
afterAll(() => envoy.stop());

function arrivalOf(call: Required<HttpCall>, headers: Readonly<Record<string, string>>): Arrival {
  return {
    identity: call.identity,
    clientAddress: call.source ?? '',
    address: call.destination ?? '',
    port: call.port ?? 0,
    serverName: call.identity === undefined ? '' : (call.serverName ?? ''),
    headers: new Map(Object.entries(headers)),
  };
}

const samples = fc.sample(randomArrival, count * calls);

test(`who may make requests (seed ${fc.seed})`, async () => {
  const answers: string[] = [];
  const wrong: string[] = [];
  for (const [index, route] of routes.entries()) {
    const rules = (action: string): JsonObject | undefined => objectAt(route, [action, 'rbac', 'rules']);
    for (const call of samples.slice(index * calls, (index + 1) * calls)) {
      const headers = { ':method': call.method, ':path': call.path, ':authority': call.host, ...call.headers };
      const { isLetIn } = decideAccess({ deny: rules('deny'), allow: rules('allow') }, arrivalOf(call, headers));
      const { status } = await envoy.ask('ours', index, call);
      answers.push(String(status));
      if (status !== (isLetIn ? 200 : 403)) wrong.push(JSON.stringify([call, status, route]));
    }
  }
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(new Set(answers)).toEqual(new Set(['200', '403']));
});

test(`who may open connections (seed ${fc.seed})`, async () => {
  const wrong: string[] = [];
  for (const [index, filters] of chains.entries()) {
    const rules = (action: string): JsonObject | undefined =>
      objectMember(
        objectMember(
          filters.find(({ name }) => name === action),
          'typed_config',
        ),
        'rules',
      );
    for (const call of samples.slice(index * 6, (index + 1) * 6)) {
      const [port = 0] = envoy.ports;
      const dialled = { ...call, destination: '127.0.0.1', port };
      const { isLetIn } = decideAccess({ deny: rules('deny'), allow: rules('allow') }, arrivalOf(dialled, {}));
      const heard = await envoy.dial(index, dialled);
      if (heard.includes('greeting') !== isLetIn) wrong.push(JSON.stringify([dialled, heard, filters]));
    }
  }
  expect(wrong.slice(0, 3)).toEqual([]);
});
