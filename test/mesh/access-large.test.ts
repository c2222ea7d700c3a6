import { expect, jest, test } from '@jest/globals';
import { accessFilters } from '../../src/envoy/access-filters.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { planAccess } from '../../src/mesh/plan/access-plan.ts';
import { httpAccess, tcpAccess } from '../../src/mesh/resources/access.ts';
import { startAccessEnvoy } from '../support/mesh/access-envoy.ts';
import { rulesOf } from '../support/mesh/rules.ts';

jest.setTimeout(120_000);

/* Policies with thousands of values, items or rules. A real Envoy takes them, and they mean what they say, for requests and for connections without HTTP. */

const principal = (index: number): string => `cluster.local/ns/namespace-${index}/sa/account-${index}`;
const list = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));
const from = (index: number): JsonObject => ({ source: { principals: [principal(index)] } });

/** Each lets in those with an identity of these and nobody else. */
const specs: readonly (readonly [count: number, what: string, spec: JsonObject])[] = [
  [10_000, 'values of a list', { rules: [{ from: [{ source: { principals: list(10_000, principal) } }] }] }],
  [
    3_000,
    'values that are none',
    { action: 'DENY', rules: [{ from: [{ source: { notPrincipals: list(3_000, principal) } }] }] },
  ],
  [512, 'items of a rule', { rules: [{ from: list(512, from) }] }],
  [512, 'rules', { rules: list(512, (index) => ({ from: [from(index)] })) }],
  [
    512,
    'items of a rule with as many conditions',
    {
      rules: [
        {
          from: list(512, from),
          when: list(512, (index) => ({ key: 'source.ip', notValues: [`10.${index >> 8}.${index & 255}.0/24`] })),
        },
      ],
    },
  ],
];

async function judge(count: number, spec: JsonObject): Promise<object> {
  const policy = { kind: 'AuthorizationPolicy', metadata: { namespace: 'shop', name: 'p' }, spec };
  const plan = planAccess(rulesOf([policy]), { namespace: 'shop', labels: {} }, 'istio-system');
  const routes = [httpAccess(plan, 'cluster.local')];
  const envoy = await startAccessEnvoy({ ours: { filters: accessFilters, routes } }, () => [
    tcpAccess(plan, 'cluster.local'),
  ]);
  try {
    const [port = 0] = envoy.ports;
    const to = { source: '127.0.0.1', destination: '127.0.0.1', port };
    const identities = [principal(0), principal(count - 1), principal(count)].map((one) => `spiffe://${one}`);
    const judged = [];
    for (const identity of [...identities, undefined]) {
      const { status } = await envoy.ask('ours', 0, { ...to, identity, method: 'GET', path: '/', host: 'cart' });
      judged.push([status, (await envoy.dial(0, { ...to, identity })).includes('greeting')]);
    }
    return judged;
  } finally {
    await envoy.stop();
  }
}

const letIn = [
  [200, true],
  [200, true],
  [403, false],
  [403, false],
];

test.each(specs)('%i %s', async (count, _, spec) => {
  expect(await judge(count, spec)).toEqual(letIn);
});

test('512 rules that deny', async () => {
  const spec = { action: 'DENY', rules: list(512, (index) => ({ from: [from(index)] })) };
  expect(await judge(512, spec)).toEqual(letIn.toReversed());
});
