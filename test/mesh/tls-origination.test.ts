import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createEllipticAuthority, createLeafIssuer } from '../../src/certs/elliptic-certificate.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { ourProxies } from '../support/istio/proxies.ts';
import { startRoutedEnvoy, type RoutedEnvoy } from '../support/istio/routed-envoy.ts';

jest.setTimeout(60_000);

/*
 * `tls` of a DestinationRule with servers that are not of the mesh: a real Envoy as the client's proxy, and TLS servers of Node.
 */

const lifetime = { now: new Date(), lifetimeMs: 3_600_000 };
const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-tls-'));
const file = (name: string): string => path.join(folder, name);
const authority = createEllipticAuthority({ name: 'company', ...lifetime });
const stranger = createEllipticAuthority({ name: 'stranger', ...lifetime });
writeFileSync(file('ca.pem'), authority.certificate);

function start(signer: typeof authority, ...dns: readonly string[]): Promise<Server> {
  const { certificate, privateKey } = createLeafIssuer(signer).issue({ names: { dns }, ...lifetime });
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    const { servername } = request.socket as TLSSocket & { readonly servername?: string };
    response.setHeader('x-server-name', servername ?? '');
    response.end('secure');
  });
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(server)));
}

const caCertificates = file('ca.pem');

/** What a DestinationRule says of TLS, the Host header of the request, and what becomes of it: the server name that the server has heard, or a status. */
const cases: readonly (readonly [what: string, tls: JsonObject, host: string, server: 'known' | 'foreign', string])[] =
  [
    ['the name of the request', { caCertificates }, 'api.example.com', 'known', 'api.example.com'],
    ['a request for another name', { caCertificates }, 'other.example.com', 'known', '503'],
    ['sni, whatever the request says', { caCertificates, sni: 'api.example.com' }, 'cart', 'known', 'api.example.com'],
    ['sni that the server does not have', { caCertificates, sni: 'other.example.com' }, 'cart', 'known', '503'],
    [
      'subjectAltNames in its place',
      { caCertificates, sni: 'other.example.com', subjectAltNames: ['api.example.com'] },
      'cart',
      'known',
      'other.example.com',
    ],
    [
      'subjectAltNames without sni',
      { caCertificates, subjectAltNames: ['api.example.com'] },
      'other.example.com',
      'known',
      'other.example.com',
    ],
    ['another authority', { caCertificates }, 'api.example.com', 'foreign', '503'],
    ['the public authorities', {}, 'api.example.com', 'known', '503'],
    ['nothing verified', { insecureSkipVerify: true }, 'cart', 'foreign', 'cart'],
  ];

let servers: Readonly<Record<'known' | 'foreign', Server>>;
let envoy: RoutedEnvoy;

beforeAll(async () => {
  servers = { known: await start(authority, 'api.example.com'), foreign: await start(stranger, 'api.example.com') };
  const services = cases.map((_, index) => ({
    name: `api-${index}`,
    namespace: 'shop',
    address: `10.96.0.${index + 1}`,
    ports: [80],
    endpoints: [{ address: `10.1.0.${index}`, labels: {} }],
  }));
  const objects = cases.map(([, tls], index) => ({
    kind: 'DestinationRule',
    metadata: { namespace: 'shop', name: `api-${index}`, uid: `rule-${index}` },
    spec: { host: `api-${index}`, trafficPolicy: { tls: { mode: 'SIMPLE', ...tls } } },
  }));
  const mesh = { services, objects, namespace: 'shop', labels: {} };
  const proxies = ourProxies(
    mesh,
    services.map(({ name }) => [name, 80] as const),
  );
  envoy = await startRoutedEnvoy(
    new Map(proxies.map((proxied, index) => [`api-${index}`, { ...proxied, isAsSaid: true }])),
    (server) => {
      const index = Number(/^10\.1\.0\.(\d+):/.exec(server)?.[1]);
      return (servers[cases[index]?.[3] ?? 'known'].address() as AddressInfo).port;
    },
  );
});

afterAll(async () => {
  await envoy.stop();
  for (const server of Object.values(servers)) server.close();
  rmSync(folder, { recursive: true });
});

test.each(cases.map(([what, , host, , expected], index) => [what, host, expected, index] as const))(
  'SIMPLE: %s (%s) gives %s',
  async (_what, host, expected, index) => {
    const { status, headers, body } = await envoy.ask(`api-${index}`, { method: 'GET', path: '/', host, headers: {} });
    expect(status === 200 ? headers['x-server-name']?.[0] : String(status)).toBe(expected);
    expect(body === 'secure').toBe(status === 200);
  },
);
