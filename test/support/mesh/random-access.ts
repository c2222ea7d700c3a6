import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import type { HttpCall } from './access-envoy.ts';

/*
 * Random AuthorizationPolicies of the namespace `shop`, and calls that some of them are about.
 */

function list(...values: readonly string[]) {
  return fc.subarray([...values], { minLength: 1, maxLength: 2 });
}

/** One or two of the fields: with more, hardly any call would fit. */
function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) {
  return fc
    .subarray(Object.keys(fields), { minLength: 1, maxLength: 2 })
    .chain((names) => fc.record(Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))));
}

const principals = list('cluster.local/ns/shop/sa/front', '*', '*/sa/front', 'cluster.local/*');
const namespaces = list('shop', 'other', 'sh*', '*er');
const blocks = list('127.0.0.0/24', '127.0.0.1', '127.1.0.0/16', 'fd00::/8');
const source = some({
  principals,
  notPrincipals: principals,
  namespaces,
  notNamespaces: namespaces,
  ipBlocks: blocks,
  notIpBlocks: blocks,
  remoteIpBlocks: blocks,
});

const hosts = list('cart', 'CART', 'cart:*', '*.example');
const methods = list('GET', 'POST', 'P*');
const paths = list('/', '/a', '/a/*', '*.html', '/a/{*}/b', '/{**}/b', '*', '/a/ü');
const ports = list('8080', '80');
const operation = some({
  hosts,
  notHosts: hosts,
  methods,
  notMethods: methods,
  paths,
  notPaths: paths,
  ports,
  notPorts: ports,
});

const condition = fc.oneof(
  fc.record({ key: fc.constant('request.headers[x-user]'), values: list('alice', 'b*', '*') }),
  fc.record({ key: fc.constant('request.headers[x-user]'), notValues: list('alice', '*') }),
  fc.record({ key: fc.constant('source.namespace'), values: namespaces }),
  fc.record({ key: fc.constant('connection.sni'), values: list('a.example', '*.example', '*') }),
  fc.record({ key: fc.constant('destination.ip'), values: blocks }),
);

const rule = fc.record(
  {
    from: fc.array(fc.record({ source }), { minLength: 1, maxLength: 2 }),
    to: fc.array(fc.record({ operation }), { minLength: 1, maxLength: 2 }),
    when: fc.array(condition, { minLength: 1, maxLength: 1 }),
  },
  { requiredKeys: [] },
);

/** The policies of a pod. */
export const randomPolicies: fc.Arbitrary<readonly JsonObject[]> = fc
  .array(
    fc.record({
      action: fc.constantFrom('ALLOW', 'ALLOW', 'DENY', 'AUDIT'),
      rules: fc.array(rule, { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map((specs) =>
    specs.map(
      (spec, index) =>
        ({
          kind: 'AuthorizationPolicy',
          metadata: { namespace: 'shop', name: `p${index}`, uid: `p${index}` },
          spec,
        }) as unknown as JsonObject,
    ),
  );

/** A call as the proxy of the pod sees it. */
export const randomArrival: fc.Arbitrary<Required<HttpCall>> = fc
  .record({
    identity: fc.constantFrom(
      undefined,
      'spiffe://cluster.local/ns/shop/sa/front',
      'spiffe://cluster.local/ns/other/sa/front',
    ),
    source: fc.constantFrom('127.0.0.1', '127.1.0.9'),
    destination: fc.constantFrom('127.0.0.1', '127.1.2.3'),
    port: fc.constantFrom(8080, 9090),
    serverName: fc.constantFrom('a.example', 'b.example', 'cart'),
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc.constantFrom('/', '/a', '/a/', '/a/x/b', '/x/y/b?q=/a', '/a.html', '/b%2fa', '/a/../b', '/A', '/%61'),
    host: fc.constantFrom('cart', 'cart:80', 'x.example'),
    headers: fc.constantFrom<Readonly<Record<string, string>>>(
      {},
      { 'x-user': 'alice' },
      { 'x-user': 'bob' },
      { 'x-forwarded-for': '127.9.9.9, 127.1.0.1' },
    ),
  })
  .map((call) => call as Required<HttpCall>);
