import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { isObject, objectMember, stringMember, type JsonObject } from '../../src/json/json.ts';
import { analyze } from '../../src/mesh/report/analysis.ts';
import { ruleKinds } from '../../src/mesh/rules/rule-kinds.ts';
import { startEchoServers, type EchoServers } from '../support/istio/echo-servers.ts';
import { clusterObjects, istioProxies, ourProxies, type Called } from '../support/istio/proxies.ts';
import type { Answer } from '../support/istio/requests.ts';
import { startRoutedEnvoy, type Proxied, type RoutedEnvoy } from '../support/istio/routed-envoy.ts';
import { translateRoutesLikeIstiod, type CalledMesh, type CalledService } from '../support/istio/routes.ts';
import { findIstioSources } from '../support/istio/sources.ts';
import { knownOf } from '../support/mesh/explained.ts';

jest.setTimeout(120_000);

/*
 * The rules of Istio's Bookinfo, read from its module: each is accepted, or refused with a reason, and does what its documentation says, with stand-ins
 * for the applications.
 */

const sources = await findIstioSources();
const folder = path.join(sources ?? '', 'samples/bookinfo');
const ofModule = sources === undefined ? test.skip : test;

function service(index: number, name: string, ...versions: readonly string[]): CalledService {
  const endpoints = versions.map((version, at) => ({
    address: `10.1.${index}.${at + 1}`,
    labels: { app: name, version },
  }));
  return { name, namespace: 'default', address: `10.96.0.${index}`, ports: [9080], endpoints };
}

const applications = [
  service(1, 'productpage', 'v1'),
  service(2, 'details', 'v1', 'v2'),
  service(3, 'reviews', 'v1', 'v2', 'v3'),
  service(4, 'ratings', 'v1', 'v2', 'v2-mysql', 'v2-mysql-vm'),
];
/** Routes of Gateway API have no subsets: each version is a Service of its own. */
const services = applications.flatMap((one, index) => [
  one,
  ...one.endpoints.map((endpoint, at) => ({
    ...one,
    name: `${one.name}-${endpoint.labels['version']}`,
    address: `10.96.${index + 1}.${at}`,
    endpoints: [endpoint],
  })),
]);
const called: readonly Called[] = applications.map(({ name }) => [name, 9080]);
const versions: ReadonlyMap<string, string> = new Map(
  applications.flatMap(({ endpoints }) =>
    endpoints.map(({ address, labels }) => [`${address}:9080`, labels['version'] ?? ''] as const),
  ),
);

/** Objects of a file, in the namespace that `kubectl apply` would take. */
function objectsOf(file: string): readonly JsonObject[] {
  return parseAllDocuments(readFileSync(path.join(folder, file), 'utf8'))
    .map((document): unknown => document.toJS())
    .filter(isObject)
    .map((object) => {
      const metadata = objectMember(object, 'metadata') ?? {};
      return {
        ...object,
        metadata: { namespace: 'default', uid: JSON.stringify([object['kind'], metadata]), ...metadata },
      };
    });
}

function nameOf(object: JsonObject): string {
  return `${stringMember(object, 'kind')} ${stringMember(objectMember(object, 'metadata'), 'name')}`;
}

/** What is said of the objects of a file, beside the Services of Bookinfo and the subsets of all of them. */
function saidOf(file: string): readonly string[] {
  const objects = objectsOf(file);
  const own = new Set(objects.map(nameOf));
  const others = objectsOf('networking/destination-rule-all.yaml').filter((one) => !own.has(nameOf(one)));
  const ours = objects.filter(({ kind }) => (kind as string) in ruleKinds);
  const beyond = objects
    .filter(({ kind }) => !((kind as string) in ruleKinds))
    .map((one) => `${nameOf(one)}: another kind`);
  const known = knownOf([...clusterObjects(services), ...others, ...ours]);
  const verdicts = analyze(known.world, known.domains).filter(({ ref }) => own.has(`${ref.kind} ${ref.name}`));
  return [
    ...beyond,
    ...verdicts.flatMap(({ ref, findings }) =>
      findings.map(({ effect, field, code }) => `${ref.kind} ${ref.name}: ${effect} ${field} ${code}`),
    ),
  ];
}

ofModule('each file is accepted, or it is said what does not count', () => {
  const files = ['networking', 'gateway-api', 'policy'].flatMap((of) =>
    readdirSync(path.join(folder, of)).map((name) => `${of}/${name}`),
  );
  const said = Object.fromEntries(
    files.map((file) => [file, saidOf(file)] as const).filter(([, all]) => all.length > 0),
  );
  const gateway = 'Gateway bookinfo-gateway: another kind';
  expect(said).toEqual({
    'gateway-api/bookinfo-gateway.yaml': [gateway],
    'networking/bookinfo-gateway.yaml': [
      gateway,
      'VirtualService bookinfo: without-effect /spec/gateways GatewaysNotServed',
    ],
    'networking/certmanager-gateway.yaml': [
      'Gateway cert-manager-gateway: another kind',
      'VirtualService cert-manager: without-effect /spec/gateways GatewaysNotServed',
    ],
    'networking/egress-rule-google-apis.yaml': [
      'ServiceEntry googleapis: another kind',
      'VirtualService rewrite-port-for-googleapis: without-effect /spec/hosts/0 NoSuchHost',
      'DestinationRule originate-tls-for-googleapis: without-effect /spec/host NoSuchHost',
    ],
    'networking/fault-injection-details-v1.yaml': ['VirtualService details: warning /spec/http/1 Unreachable'],
    'policy/productpage_envoy_ratelimit.yaml': [
      'EnvoyFilter filter-ratelimit: another kind',
      'EnvoyFilter filter-ratelimit-svc: another kind',
    ],
  });
  expect(files.length).toBeGreaterThan(20);
});

/** A request of the stand-in for another service, by the user that is logged in. */
interface Asked {
  readonly service: string;
  readonly user?: string;
}

/** The share of answers by each version, and of other answers by their status. */
type Shares = Readonly<Record<string, number>>;

const jason = { user: 'jason' };

/** What the documentation of Bookinfo says of each file. */
const effects: readonly (readonly [file: string, calls: readonly (readonly [Asked, Shares])[]])[] = [
  [
    'networking/virtual-service-all-v1.yaml',
    ['productpage', 'details', 'reviews', 'ratings'].map((service) => [{ service }, { v1: 1 }]),
  ],
  ['networking/virtual-service-details-v2.yaml', [[{ service: 'details' }, { v2: 1 }]]],
  [
    'networking/virtual-service-ratings-db.yaml',
    [
      [{ service: 'reviews' }, { v3: 1 }],
      [{ service: 'ratings' }, { v2: 1 }],
    ],
  ],
  [
    'networking/virtual-service-ratings-mysql.yaml',
    [
      [{ service: 'reviews' }, { v3: 1 }],
      [{ service: 'ratings' }, { 'v2-mysql': 1 }],
    ],
  ],
  [
    'networking/virtual-service-ratings-mysql-vm.yaml',
    [
      [{ service: 'reviews' }, { v3: 1 }],
      [{ service: 'ratings' }, { 'v2-mysql-vm': 1 }],
    ],
  ],
  [
    'networking/virtual-service-ratings-test-abort.yaml',
    [
      [{ service: 'ratings', ...jason }, { 500: 1 }],
      [{ service: 'ratings' }, { v1: 1 }],
    ],
  ],
  // Later than anybody waits here.
  [
    'networking/virtual-service-ratings-test-delay.yaml',
    [
      [{ service: 'ratings', ...jason }, { 0: 1 }],
      [{ service: 'ratings' }, { v1: 1 }],
    ],
  ],
  ['networking/virtual-service-reviews-50-v3.yaml', [[{ service: 'reviews' }, { v1: 0.5, v3: 0.5 }]]],
  ['networking/virtual-service-reviews-80-20.yaml', [[{ service: 'reviews' }, { v1: 0.8, v2: 0.2 }]]],
  ['networking/virtual-service-reviews-90-10.yaml', [[{ service: 'reviews' }, { v1: 0.9, v2: 0.1 }]]],
  [
    'networking/virtual-service-reviews-jason-v2-v3.yaml',
    [
      [{ service: 'reviews', ...jason }, { v2: 1 }],
      [{ service: 'reviews' }, { v3: 1 }],
    ],
  ],
  [
    'networking/virtual-service-reviews-test-v2.yaml',
    [
      [{ service: 'reviews', ...jason }, { v2: 1 }],
      [{ service: 'reviews' }, { v1: 1 }],
    ],
  ],
  ['networking/virtual-service-reviews-v2-v3.yaml', [[{ service: 'reviews' }, { v2: 0.5, v3: 0.5 }]]],
  ['networking/virtual-service-reviews-v3.yaml', [[{ service: 'reviews' }, { v3: 1 }]]],
  ['networking/fault-injection-details-v1.yaml', [[{ service: 'details' }, { 555: 1 }]]],
  ['networking/destination-rule-reviews.yaml', [[{ service: 'reviews' }, { v1: 1 / 3, v2: 1 / 3, v3: 1 / 3 }]]],
];

const ofGatewayApi: typeof effects = [
  ['gateway-api/route-all-v1.yaml', applications.map(({ name }) => [{ service: name }, { v1: 1 }])],
  ['gateway-api/route-reviews-50-v3.yaml', [[{ service: 'reviews' }, { v1: 0.5, v3: 0.5 }]]],
  ['gateway-api/route-reviews-90-10.yaml', [[{ service: 'reviews' }, { v1: 0.9, v2: 0.1 }]]],
  ['gateway-api/route-reviews-v1.yaml', [[{ service: 'reviews' }, { v1: 1 }]]],
  ['gateway-api/route-reviews-v3.yaml', [[{ service: 'reviews' }, { v3: 1 }]]],
];

function meshOf(file: string): CalledMesh {
  const own = objectsOf(file);
  const names = new Set(own.map(nameOf));
  const others = objectsOf('networking/destination-rule-all.yaml').filter((one) => !names.has(nameOf(one)));
  return { services, objects: [...others, ...own], namespace: 'default', labels: { app: 'productpage' } };
}

type Side = 'ours' | 'istio';

/** Istio's program here reads no routes of Gateway API. */
const cases = [
  ...effects.map(([file, calls]) => ({ file, calls, sides: ['ours', 'istio'] as readonly Side[] })),
  ...ofGatewayApi.map(([file, calls]) => ({ file, calls, sides: ['ours'] as readonly Side[] })),
];

function proxyName(side: Side, file: string, service: string): string {
  return `${side}-${path.basename(file)}-${service}`;
}

let servers: EchoServers;
let envoy: RoutedEnvoy;

beforeAll(async () => {
  if (sources === undefined) return;
  const translated = translateRoutesLikeIstiod(effects.map(([file]) => meshOf(file)));
  const proxies = new Map(
    cases.flatMap(({ file, sides }, index) =>
      sides.flatMap((side) => {
        const all = side === 'ours' ? ourProxies(meshOf(file), called) : istioProxies(translated[index] ?? {}, called);
        return called.map(([name], at) => [proxyName(side, file, name), all[at] as Proxied] as const);
      }),
    ),
  );
  servers = await startEchoServers([...versions.keys()], new Set());
  envoy = await startRoutedEnvoy(proxies, (server) => servers.portOf(server));
});

afterAll(async () => {
  if (sources === undefined) return;
  await envoy.stop();
  await servers.stop();
});

function versionOf({ status, headers }: Answer): string {
  return versions.get(headers['x-server']?.[0] ?? '') ?? String(status);
}

/** Some shares are counted, so that they are seen to within 7 of 100, which is more than four standard deviations. */
const many = 1_000;

describe.each(sources === undefined ? [] : cases)('$file', ({ file, calls, sides }) => {
  test.each(sides.flatMap((side) => calls.map(([asked, shares]) => [side, asked, shares] as const)))(
    'does what it says: %s, %j',
    async (side, { service, user }, shares) => {
      const count = Object.keys(shares).length > 1 ? many : 5;
      const headers: Record<string, string> = user === undefined ? {} : { 'end-user': user };
      const call = { method: 'GET', path: `/${service}/0`, host: `${service}:9080`, headers };
      const seen: string[] = [];
      while (seen.length < count) {
        const some = Array.from({ length: Math.min(20, count) }, async () =>
          versionOf(await envoy.ask(proxyName(side, file, service), call)),
        );
        seen.push(...(await Promise.all(some)));
      }
      expect([...new Set(seen)].toSorted()).toEqual(Object.keys(shares).toSorted());
      for (const [version, share] of Object.entries(shares)) {
        const part = seen.filter((one) => one === version).length / seen.length;
        expect(Math.abs(part - share)).toBeLessThan(0.07);
      }
    },
  );
});
