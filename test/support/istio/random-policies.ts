import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';

/*
 * Random AuthorizationPolicies of the namespace `shop` in which each field is valid by itself, from few words, so that rules meet requests.
 */

function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
}

const few = (...words: readonly string[]) => fc.subarray([...words], { minLength: 1, maxLength: 3 });

const words = {
  principals: few(
    'cluster.local/ns/shop/sa/front',
    'cluster.local/ns/store/*',
    'cluster.local/ns/shop/sa/*',
    '*/sa/back',
    '*',
    'elsewhere/ns/shop/sa/front',
    '*/ns/shop/sa/front',
  ),
  namespaces: few('shop', 'sho*', '*shop', 's*e', '*', 'nobody'),
  serviceAccounts: few('front', 'shop/back', 'store/front', 'nobody'),
  trustDomains: few('cluster.local', '*', 'cluster.*', '*.local', 'elsewhere'),
  ipBlocks: few('127.1.0.0/16', '127.1.2.3', '127.2.0.0/15', '0.0.0.0/0', 'fd00::/8', '10.0.0.0/8'),
  remoteIpBlocks: few('127.1.0.0/16', '10.9.0.0/16', '10.9.8.7'),
  hosts: few('cart', 'CART:8080', '*.example.com', 'cart*', '*', 'nobody'),
  methods: few('GET', 'POST', 'P*', '*ET', '*'),
  paths: few(
    '/admin',
    '/admin/*',
    '/public*',
    '*.html',
    '*',
    '/*',
    '/a/{*}/b',
    '/a/{**}',
    '/{*}/x',
    '/a~b-c_d.e',
    '*/x',
    '/caf%C3%A9',
  ),
  ports: few('80', '8080', '9090'),
  names: few('cart.example.com', '*.example.com', 'cart*', '*', 'nobody'),
  destinations: few('10.1.2.3', '10.0.0.0/8', '10.1.0.0/16', '127.0.0.0/8'),
  users: few('bob', 'b*', '*b', '*', 'alice'),
};

const both = (name: string, values: fc.Arbitrary<readonly string[]>) => ({
  [name]: values,
  [`not${name[0]?.toUpperCase()}${name.slice(1)}`]: values,
});

/** Of the fields of a source or an operation one or two, since with all of them hardly anything fits. */
function oneOrTwo(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc
    .subarray(Object.keys(fields), { minLength: 1, maxLength: 2 })
    .chain((names) =>
      fc.record(Object.fromEntries(names.flatMap((name) => (fields[name] ? [[name, fields[name]]] : [])))),
    ) as fc.Arbitrary<JsonObject>;
}

const addresses = { ...both('ipBlocks', words.ipBlocks), ...both('remoteIpBlocks', words.remoteIpBlocks) };
const source = fc.oneof(
  oneOrTwo({
    ...both('principals', words.principals),
    ...both('namespaces', words.namespaces),
    ...both('trustDomains', words.trustDomains),
    ...addresses,
  }),
  oneOrTwo({ ...both('serviceAccounts', words.serviceAccounts), ...addresses }),
);
const operation = oneOrTwo({
  ...both('hosts', words.hosts),
  ...both('methods', words.methods),
  ...both('paths', words.paths),
  ...both('ports', words.ports),
});

const keys: readonly (readonly [string, fc.Arbitrary<readonly string[]>])[] = [
  ['request.headers[x-user]', words.users],
  ['request.headers[:method]', words.methods],
  ['source.ip', words.ipBlocks],
  ['remote.ip', words.remoteIpBlocks],
  ['source.namespace', words.namespaces],
  ['source.principal', words.principals],
  ['source.serviceAccount', words.serviceAccounts],
  ['source.trustDomain', words.trustDomains],
  ['destination.ip', words.destinations],
  ['destination.port', words.ports],
  ['connection.sni', words.names],
];
const condition = fc
  .constantFrom(...keys)
  .chain(([key, values]) =>
    fc.oneof(fc.record({ key: fc.constant(key), values }), fc.record({ key: fc.constant(key), notValues: values })),
  );

const rule = some({
  from: fc.array(fc.record({ source }), { minLength: 1, maxLength: 2 }),
  to: fc.array(fc.record({ operation }), { minLength: 1, maxLength: 2 }),
  when: fc.array(condition, { maxLength: 1 }),
});

const spec = fc.record({
  action: fc.constantFrom('ALLOW', 'ALLOW', 'DENY', 'AUDIT'),
  rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
});

/** Policies that govern one pod. */
export const policies: fc.Arbitrary<readonly JsonObject[]> = fc
  .array(fc.tuple(spec, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 3 })
  .map((all) =>
    all.map(([one, chance], index) => ({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: {
        namespace: 'shop',
        name: `p${index}`,
        annotations: chance === 0 && one.action !== 'AUDIT' ? { 'istio.io/dry-run': 'true' } : {},
      },
      spec: one as unknown as JsonObject,
    })),
  );
