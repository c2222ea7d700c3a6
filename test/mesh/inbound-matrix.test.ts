import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createAuthority, issueLeaf, type KeyedCertificate } from '../../src/certs/authority.ts';
import { createEllipticAuthority, createLeafIssuer } from '../../src/certs/elliptic-certificate.ts';
import type { MtlsMode } from '../../src/mesh/rules/security/peer-authentication.ts';
import { meshProtocols } from '../../src/envoy/mesh-tls.ts';
import { selfSigned } from '../support/http/self-signed.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import type { Dialled, Heard } from '../support/network/agent.ts';
import { headers, preface } from '../support/network/http2-frames.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(60_000);

/*
 * What a pod of the mesh makes of a connection in each mode, by what is declared of the port and by what the client speaks. Istio has such a
 * table, too, and where its answer is another one is said.
 */

/** The servers of each declaration, by the last digit of their ports. */
const servers = { http: 1, h2c: 2, echo: 3, https: 4, banner: 5 } as const;
type Server = keyof typeof servers;

/** The first three digits of a declaration's ports. Nothing but the pod and the settings declares a port inbound. */
const declarations = { http: 910, tcp: 920, 'nothing but a Service': 930, nothing: 940, 'opaque by the settings': 950 };
type Declaration = keyof typeof declarations;

function portOf(declared: Declaration, server: Server): number {
  return declarations[declared] * 10 + servers[server];
}

const get = 'GET /matrix HTTP/1.1\r\nHost: cart\r\n\r\n';
const get2 = preface + headers(1, { ':method': 'GET', ':scheme': 'http', ':path': '/matrix', ':authority': 'cart' });

interface Client {
  /** `mesh` shows a certificate of the mesh. */
  readonly tls?: 'mesh' | 'own';
  readonly protocols?: readonly string[];
  readonly to: Server;
  readonly send: string;
  /** What of the server's answer shows that it has been heard. */
  readonly answer: string;
}

const http = { to: 'http', send: get, answer: '"url":"/matrix"' } as const;
const http2 = { to: 'h2c', send: get2, answer: '"url":"/matrix"' } as const;
const bytes = { to: 'echo', send: '\u0001some bytes\n', answer: 'some bytes' } as const;
const overMesh = (of: keyof typeof meshProtocols) => ({ tls: 'mesh', protocols: [meshProtocols[of]] }) as const;

const clients = {
  'HTTP/1': http,
  'HTTP/2 with prior knowledge': http2,
  bytes,
  'TLS of the application': { ...http, to: 'https', tls: 'own' },
  'TLS of the application with ALPN': { ...http, to: 'https', tls: 'own', protocols: ['h2', 'http/1.1'] },
  'TLS of the application with ALPN as of Istio': {
    ...http,
    to: 'https',
    tls: 'own',
    protocols: ['istio-http/1.1', 'istio', 'http/1.1'],
  },
  'HTTP/1 by mutual TLS': { ...http, ...overMesh('http') },
  'HTTP/2 by mutual TLS': { ...http2, ...overMesh('http') },
  'bytes by mutual TLS': { ...bytes, ...overMesh('tcp') },
  'TLS of the application by mutual TLS': {
    ...overMesh('tcp'),
    to: 'https',
    send: 'not TLS\r\n\r\n',
    answer: 'HTTP/1.1 400',
  },
} as const satisfies Readonly<Record<string, Client>>;
type ClientName = keyof typeof clients;

/** How the proxy reads what arrives. */
type Arrival = 'HTTP' | 'bytes';
type Row = readonly [client: ClientName, arrival: Arrival];

const secured: readonly Row[] = [
  ['HTTP/1 by mutual TLS', 'HTTP'],
  ['HTTP/2 by mutual TLS', 'HTTP'],
  ['bytes by mutual TLS', 'bytes'],
];
const foreignTls = [
  'TLS of the application',
  'TLS of the application with ALPN',
  'TLS of the application with ALPN as of Istio',
] as const;
const untouched: readonly Row[] = foreignTls.map((name) => [name, 'bytes']);

/** Without a declaration the proxy reads nothing, as without a control plane. */
const unread: readonly Row[] = [
  ['HTTP/1', 'bytes'],
  ['HTTP/2 with prior knowledge', 'bytes'],
  ['bytes', 'bytes'],
  ...untouched,
  ...secured,
];

const matrix: Readonly<Record<Declaration, readonly Row[]>> = {
  http: [['HTTP/1', 'HTTP'], ['HTTP/2 with prior knowledge', 'HTTP'], ['bytes', 'bytes'], ...untouched, ...secured],
  tcp: unread,
  'opaque by the settings': unread,
  'nothing but a Service': unread,
  nothing: unread,
};

const modes = ['STRICT', 'DISABLE', 'PERMISSIVE'] as const satisfies readonly MtlsMode[];

/** What becomes of a connection. Of one case, Istio's table does not say how it arrives. */
type Fate = Arrival | 'TLS for the application' | 'nothing' | 'anything';
type InModes = readonly [disable: Fate, permissive: Fate, strict: Fate];

const read: InModes = ['HTTP', 'HTTP', 'nothing'];
const passed: InModes = ['bytes', 'bytes', 'nothing'];
const refused: InModes = ['nothing', 'nothing', 'nothing'];
const ended = (as: Fate): InModes => ['TLS for the application', as, as];

/** Istio's own table: the 23 cases of `TestInbound` in pilot/pkg/networking/core/sidecar_simulation_test.go, in each mode. */
const istio: readonly (readonly [name: string, Declaration, ClientName, InModes])[] = [
  ['tcp', 'tcp', 'bytes', passed],
  ['http to tcp', 'tcp', 'HTTP/1', passed],
  ['tls to tcp', 'tcp', 'TLS of the application', passed],
  ['https to tcp', 'tcp', 'TLS of the application with ALPN', passed],
  ['mtls tcp to tcp', 'tcp', 'bytes by mutual TLS', ended('bytes')],
  ['mtls http to tcp', 'tcp', 'HTTP/1 by mutual TLS', ended('bytes')],
  ['http', 'http', 'HTTP/1', read],
  ['tls to http', 'http', 'TLS of the application', refused],
  ['https to http', 'http', 'TLS of the application with ALPN', refused],
  ['mtls to http', 'http', 'HTTP/1 by mutual TLS', ['nothing', 'HTTP', 'HTTP']],
  ['tcp to http', 'http', 'bytes', refused],
  ['auto port http', 'nothing but a Service', 'HTTP/1', read],
  ['auto port http2', 'nothing but a Service', 'HTTP/2 with prior knowledge', read],
  ['auto port tcp', 'nothing but a Service', 'bytes', passed],
  ['tls to auto port', 'nothing but a Service', 'TLS of the application', passed],
  ['https to auto port', 'nothing but a Service', 'TLS of the application with ALPN', passed],
  ['mtls tcp to auto port', 'nothing but a Service', 'bytes by mutual TLS', ended('bytes')],
  ['mtls http to auto port', 'nothing but a Service', 'HTTP/1 by mutual TLS', ended('HTTP')],
  ['passthrough http', 'nothing', 'HTTP/1', read],
  ['passthrough tcp', 'nothing', 'bytes', passed],
  ['passthrough tls', 'nothing', 'TLS of the application', passed],
  ['passthrough https', 'nothing', 'TLS of the application with ALPN', passed],
  ['passthrough mtls', 'nothing', 'HTTP/1 by mutual TLS', ended('anything')],
];

/** Where something else becomes of a connection than in Istio's table. */
const differences = [
  // Clients of the mesh say what is inside, and are believed on every port.
  'mtls http to tcp, PERMISSIVE: bytes, here HTTP',
  'mtls http to tcp, STRICT: bytes, here HTTP',
  // What is no HTTP is passed on as it is, as without a control plane.
  'tls to http, DISABLE: nothing, here bytes',
  'tls to http, PERMISSIVE: nothing, here bytes',
  'https to http, DISABLE: nothing, here bytes',
  'https to http, PERMISSIVE: nothing, here bytes',
  'mtls to http, DISABLE: nothing, here TLS for the application',
  'tcp to http, DISABLE: nothing, here bytes',
  'tcp to http, PERMISSIVE: nothing, here bytes',
  // Only ports that are declared are read.
  'auto port http, DISABLE: HTTP, here bytes',
  'auto port http, PERMISSIVE: HTTP, here bytes',
  'auto port http2, DISABLE: HTTP, here bytes',
  'auto port http2, PERMISSIVE: HTTP, here bytes',
  'passthrough http, DISABLE: HTTP, here bytes',
  'passthrough http, PERMISSIVE: HTTP, here bytes',
];

const rows = Object.entries(matrix).flatMap(([declared, some]) =>
  some.map(([client, arrival]) => ({ declared: declared as Declaration, client, arrival })),
);

const dayMs = 86_400_000;
const identity = 'spiffe://cluster.local/ns/shop/sa/front';

let scene: MeshScene;
let cart: MeshPod;
let certificate: KeyedCertificate;

beforeAll(async () => {
  const ports = (declared: Declaration) => (Object.keys(servers) as Server[]).map((server) => portOf(declared, server));
  scene = await openMesh('matrix', [
    { name: 'front' },
    {
      name: 'cart',
      settings: {
        httpInboundPorts: ports('http'),
        opaqueInboundPorts: ports('tcp'),
        opaquePorts: ports('opaque by the settings').map((port) => ({ first: port, last: port })),
      },
    },
  ]);
  cart = scene.pods['cart'] as MeshPod;
  // It also takes what proxies of the mesh offer, as applications may.
  const tls = { ...selfSigned(), ALPNProtocols: ['http/1.1', ...Object.values(meshProtocols)] };
  for (const declared of Object.keys(declarations) as Declaration[]) {
    await cart.app.listen({ kind: 'http', port: portOf(declared, 'http') });
    await cart.app.listen({ kind: 'h2c', port: portOf(declared, 'h2c') });
    await cart.app.listen({ kind: 'echo', port: portOf(declared, 'echo') });
    await cart.app.listen({ kind: 'http', port: portOf(declared, 'https'), tls });
    await cart.app.listen({ kind: 'banner', port: portOf(declared, 'banner'), text: 'at your service\n' });
  }
  const named = ports('nothing but a Service').map((port) => ({ name: `any-${port}`, port, target: port }));
  scene.set(...serviceObjects('cart', '10.96.0.5', named, [cart]));
  await scene.controlPlane.untilInSync(2);
  certificate = meshLeaf();
});

afterAll(() => scene.stop());

function meshLeaf(names: object = { uris: [identity] }, now = new Date(), lifetimeMs = dayMs): KeyedCertificate {
  return createLeafIssuer(scene.authorities.mesh).issue({ names, now, lifetimeMs });
}

function pairOf({ certificate: cert, privateKey: key }: KeyedCertificate): {
  readonly cert: string;
  readonly key: string;
} {
  return { cert, key };
}

function dial(declared: Declaration, { tls, protocols, to, send, answer }: Client): Promise<Dialled> {
  return scene.outside.dial({
    host: cart.network.v4,
    port: portOf(declared, to),
    send,
    until: answer,
    ...(tls !== undefined && {
      tls: { ...(protocols !== undefined && { ALPNProtocols: protocols }), ...(tls === 'mesh' && pairOf(certificate)) },
    }),
  });
}

type Entry = Readonly<Record<string, string | null>>;

/** The lines that the server's proxy has written about a port, in order. */
function entriesOf(port: number): readonly Entry[] {
  return cart
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Entry)
    .filter((entry) => entry['downstream_local_address']?.endsWith(`:${port}`) === true);
}

/** Leads the pod to a mode, and waits until nothing else is taken. */
async function lead(mode: MtlsMode): Promise<void> {
  const ends = (): number =>
    scene.controlPlane.lines.filter((line) => line.type === 'stepped' && line['waitsFor'] === undefined).length;
  const before = ends();
  const metadata = { namespace: 'shop', name: 'default', uid: 'default', generation: 1 };
  scene.set({ kind: 'PeerAuthentication', apiVersion: 'security.istio.io/v1', metadata, spec: { mtls: { mode } } });
  // Both pods change.
  await until('the pods in their mode', () => ends() - before >= 2 || undefined);
}

/** What becomes of a row of the table in a mode. */
function fateIn(mode: MtlsMode, { client, arrival }: Pick<(typeof rows)[number], 'client' | 'arrival'>): Fate {
  const isOfMesh = 'tls' in clients[client] && clients[client].tls === 'mesh';
  if (mode === 'STRICT' && !isOfMesh) return 'nothing';
  return mode === 'DISABLE' && isOfMesh ? 'TLS for the application' : arrival;
}

test("the table has every case of Istio's in every mode, and differs where it says so", () => {
  const cells = istio.flatMap(([name, declared, client, fates]) =>
    (['DISABLE', 'PERMISSIVE', 'STRICT'] as const).map((mode, index) => {
      const row = rows.find((one) => one.declared === declared && one.client === client);
      return { cell: `${name}, ${mode}`, theirs: fates[index], ours: row && fateIn(mode, row) };
    }),
  );
  expect(cells).toHaveLength(69);
  expect(cells.filter(({ ours }) => ours === undefined)).toEqual([]);
  expect(
    cells
      .filter(({ theirs, ours }) => theirs !== ours && (theirs !== 'anything' || ours === 'nothing'))
      .map(({ cell, theirs, ours }) => `${cell}: ${theirs}, here ${ours}`),
  ).toEqual(differences);
});

describe.each(modes)('in mode %s', (mode) => {
  beforeAll(() => lead(mode));

  describe.each(Object.keys(matrix) as Declaration[])('a port of which is declared: %s', (declared) => {
    test.each(
      rows
        .filter((row) => row.declared === declared)
        .map((row) => ({ client: row.client, outcome: fateIn(mode, row) })),
    )('$client arrives as $outcome', async ({ client, outcome }) => {
      const known: Client = clients[client];
      // Its own server can answer TLS that is not taken by the proxy.
      const played = outcome === 'TLS for the application' ? { ...known, ...http } : known;
      const to = outcome === 'TLS for the application' ? 'https' : known.to;
      const before = entriesOf(portOf(declared, to)).length;
      const { text, ending } = await dial(declared, { ...played, to });
      const entry = await until('a line in the access log', () => entriesOf(portOf(declared, to))[before]);
      if (outcome === 'nothing') {
        expect([text, ending]).toEqual(['', 'closed']);
        expect(entry).toMatchObject({ method: null, upstream_cluster: 'BlackHoleCluster' });
        return;
      }
      expect(text).toContain(played.answer);
      expect(entry).toMatchObject({ method: outcome === 'HTTP' ? 'GET' : null, response_flags: expect.anything() });
    });

    test(
      mode === 'STRICT'
        ? 'a server that speaks first is heard by mutual TLS alone'
        : 'a server that speaks first is heard, by those without mutual TLS once their first bytes have been waited for',
      async () => {
        const client = { to: 'banner', send: '', answer: 'service\n' } as const;
        const heard = 'at your service\n';
        if (mode !== 'DISABLE') expect((await dial(declared, { ...client, ...overMesh('tcp') })).text).toBe(heard);
        expect((await dial(declared, client)).text).toBe(mode === 'STRICT' ? '' : heard);
      },
    );
  });
});

describe('nobody gets in by mutual TLS', () => {
  const lifetime = { now: new Date(), lifetimeMs: dayMs };
  const names = { uris: [identity] };
  const intruders: Readonly<Record<string, () => KeyedCertificate | Promise<KeyedCertificate> | undefined>> = {
    'without a certificate': () => undefined,
    'with one of an authority that nobody knows': () =>
      createLeafIssuer(createEllipticAuthority({ name: 'mesh', ...lifetime })).issue({ names, ...lifetime }),
    "with one of the control plane's own authority": () =>
      createLeafIssuer(scene.authorities.own).issue({ names, ...lifetime }),
    "with one of the webhook's authority": async () =>
      issueLeaf({ authority: await createAuthority(lifetime), names: { dns: [identity], ips: [] }, ...lifetime }),
    'with one that has expired': () => meshLeaf(names, new Date(Date.now() - 2 * dayMs), dayMs),
    'with one that is not valid yet': () => meshLeaf(names, new Date(Date.now() + dayMs / 2), dayMs),
    'with one without a name': () => meshLeaf({}),
    'with the name as one of a host': () => meshLeaf({ dns: [identity] }),
    'with a name of another trust domain': () => meshLeaf({ uris: ['spiffe://cluster.local.evil/ns/shop/sa/front'] }),
  };

  test.each(
    Object.keys(intruders).flatMap((who) => Object.values(meshProtocols).map((protocol) => [who, protocol] as const)),
  )('%s, as %s', async (who, protocol) => {
    const shown = await intruders[who]?.();
    for (const declared of ['http', 'tcp', 'nothing'] as const) {
      const port = portOf(declared, 'http');
      const before = await cart.app.accepted({ port });
      const { text, ending } = await scene.outside.dial({
        host: cart.network.v4,
        port,
        send: get,
        untilClosed: true,
        tls: { ALPNProtocols: [protocol], ...(shown !== undefined && pairOf(shown)) },
      });
      expect([text, ending]).toEqual(['', 'closed']);
      // The application has not even seen a connection: that of somebody who is let in comes behind all of before.
      await dial(declared, { ...http, ...overMesh('tcp') });
      expect((await cart.app.accepted({ port })) - before).toBe(1);
    }
  });
});

describe('x-forwarded-client-cert', () => {
  const forged = 'By=spiffe://cluster.local/ns/shop/sa/cart;URI=spiffe://cluster.local/ns/shop/sa/admin';
  const send = `GET /forged HTTP/1.1\r\nHost: cart\r\nX-Forwarded-Client-Cert: ${forged}\r\nConnection: close\r\n\r\n`;

  async function toldOf(more: Pick<Client, 'tls' | 'protocols'>): Promise<readonly string[]> {
    const { text } = await dial('http', { to: 'http', send, answer: '}', ...more });
    const { rawHeaders } = JSON.parse(/^\{.*\}$/m.exec(text)?.[0] ?? '') as Heard;
    return rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'x-forwarded-client-cert');
  }

  test('of a client without mutual TLS does not arrive', async () => {
    expect(await toldOf({})).toEqual([]);
  });

  test('of a client with it is followed by what its certificate says', async () => {
    const [told, ...others] = await toldOf(overMesh('http'));
    expect(others).toEqual([]);
    const [first, last, ...more] = told?.split(',') ?? [];
    expect([first, more]).toEqual([forged, []]);
    expect(last?.split(';')).toContain(`URI=${identity}`);
    expect(last).not.toContain('admin');
  });
});
