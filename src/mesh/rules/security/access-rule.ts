import * as z from 'zod';
import { refused } from '../reading.ts';
import { condition } from './access-condition.ts';
import { blocks, paths, patterns, ports, serviceAccounts, trustDomains } from './access-values.ts';

/** Items of a list that are no values. Istio's API has this bound for rules and clients. */
export const mostItems = 512;

/** Says it. */
export const tooMany = `allowed: at most ${mostItems} items; one may have many values`;

const tokens = 'tokens of requests (JWT) need istiod with RequestAuthentication; use principals';

const source = z.strictObject({
  principals: patterns.describe(
    'Identities in client certificates, `cluster.local/ns/shop/sa/cart`; `cluster.local` is the trust domain of the mesh. Clients in plain text have none.',
  ),
  notPrincipals: patterns.describe('None of them. Clients in plain text are none of them.'),
  requestPrincipals: refused(tokens),
  notRequestPrincipals: refused(tokens),
  namespaces: patterns.describe('Namespaces in client certificates; `*` anywhere is any text.'),
  notNamespaces: patterns.describe('None of them. Clients in plain text are in none of them.'),
  serviceAccounts: serviceAccounts.describe(
    'ServiceAccounts in client certificates: `<namespace>/<name>`, or the name of one in the namespace of the object. Not beside principals or namespaces.',
  ),
  notServiceAccounts: serviceAccounts.describe('None of them.'),
  trustDomains: trustDomains.describe('Trust domains in client certificates.'),
  notTrustDomains: trustDomains.describe('None of them.'),
  ipBlocks: blocks.describe('Addresses of the peer of the connection, which may be a gateway.'),
  notIpBlocks: blocks.describe('None of them.'),
  remoteIpBlocks: blocks.describe(
    'The last address in `X-Forwarded-For`, which every client can write as it likes; of connections without HTTP, the address of the peer.',
  ),
  notRemoteIpBlocks: blocks.describe('None of them.'),
});

const operation = z.strictObject({
  hosts: patterns.describe('Host headers, with the port if there is one; case is ignored.'),
  notHosts: patterns.describe('None of them.'),
  methods: patterns.describe('Methods of HTTP.'),
  notMethods: patterns.describe('None of them.'),
  paths: paths.describe(
    'Paths without their query: patterns, or templates with `{*}` for one segment and `{**}` for any number. Case counts.',
  ),
  notPaths: paths.describe('None of them.'),
  ports: ports.describe("Ports of the container, not of the Service: `['8080']`."),
  notPorts: ports.describe('None of them.'),
});

/** Istio's Rule. */
export const accessRule = z.strictObject({
  from: z
    .array(
      z.strictObject({ source: source.describe('A client: all fields have to fit, and of each field one value.') }),
    )
    .min(1, { error: 'must not be empty: leave it out for any client' })
    .max(mostItems, { error: tooMany })
    .optional()
    .describe('Clients, one of which has to fit. Default: any, also in plain text.'),
  to: z
    .array(z.strictObject({ operation: operation.describe('A request: all fields have to fit.') }))
    .min(1, { error: 'must not be empty: leave it out for any request' })
    .max(mostItems, { error: tooMany })
    .optional()
    .describe('Requests, one of which has to fit. Default: any.'),
  when: z
    .array(condition)
    .max(mostItems, { error: tooMany })
    .optional()
    .describe('More conditions, all of which have to hold.'),
});

/** A rule of an AuthorizationPolicy. */
export type AccessRuleSpec = z.output<typeof accessRule>;

/** What a rule says of a client. */
export type AccessSource = z.output<typeof source>;

/** What a rule says of a request. */
export type AccessOperation = z.output<typeof operation>;

/** One of the conditions of a rule. */
export type AccessCondition = z.output<typeof condition>;
