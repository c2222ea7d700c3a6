import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { PortRange } from '../../src/capture/intent.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { dialoguePorts, testDialogues } from '../support/network/as-without-a-proxy/dialogues.ts';
import { fidelityPorts, serveFidelity, testFidelity } from '../support/network/as-without-a-proxy/fidelity.ts';
import {
  addedByProxy,
  describeHttp1Shapes,
  serveShapes,
  shapePorts,
} from '../support/network/as-without-a-proxy/http1-shapes.ts';
import { serveStreams, streamPorts, testStreams } from '../support/network/as-without-a-proxy/http2-streams.ts';
import type { Line } from '../support/network/as-without-a-proxy/line.ts';
import { loginPorts, testLogins } from '../support/network/as-without-a-proxy/logins.ts';
import { replacedPorts, testReplacedServers } from '../support/network/as-without-a-proxy/replaced-servers.ts';

jest.setTimeout(60_000);

/*
 * The same exchanges as with one proxy that knows no mesh, through a Service: from one proxy to another by mutual TLS, and from one
 * to a pod that has none.
 */

const numbers = [
  shapePorts.proxied,
  dialoguePorts.captured,
  ...Object.values(replacedPorts.proxied),
  ...Object.values(streamPorts.proxied),
  ...fidelityPorts,
];
const plain = [
  shapePorts.plain,
  dialoguePorts.excluded,
  ...Object.values(replacedPorts.plain),
  ...Object.values(streamPorts.plain),
];

const ranges = (ports: readonly number[]): readonly PortRange[] => ports.map((at) => ({ first: at, last: at }));

/** Who calls whom. */
type Between = 'two proxies' | 'a proxy and a pod without one' | 'a client without a proxy and a proxy';

let scene: MeshScene;
const lines = new Map<Between, Line>();

function lineBetween(between: Between): Line {
  const line = lines.get(between);
  if (line === undefined) throw new Error('the scene is not open');
  return line;
}

beforeAll(async () => {
  const options = {
    // Far longer than any exchange takes, so that nothing passes as bytes because a proxy has given up.
    settings: {
      protocolDetectionTimeoutMs: 60_000,
      httpPorts: ranges([...new Set(numbers)].filter((port) => port !== dialoguePorts.captured)),
      opaquePorts: ranges([9082, 3128]),
    },
    uncaptured: plain,
  };
  scene = await openMesh('faithful', [
    { name: 'front', ...options },
    { name: 'mesh', ...options },
    { name: 'legacy', proxy: 'none' },
  ]);
  const [front, mesh, legacy] = ['front', 'mesh', 'legacy'].map((name) => scene.pods[name]) as [
    MeshPod,
    MeshPod,
    MeshPod,
  ];
  // The names say nothing: the settings and the client's first bytes decide.
  const ports = [...new Set(numbers)].map((port) => ({ name: `any-${port}`, port, target: port }));
  const call = (between: Between, server: MeshPod, host: string): void => {
    scene.set(...serviceObjects(server.name, host, ports, [server]));
    lines.set(between, { client: front.app, server: server.app, host, plainHost: server.network.v4 });
  };
  call('two proxies', mesh, '10.96.0.5');
  call('a proxy and a pod without one', legacy, '10.96.0.6');
  const host = mesh.network.v4;
  lines.set('a client without a proxy and a proxy', { client: scene.outside, server: mesh.app, host, plainHost: host });
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

const certificateOfPeers = { 'request: the fields X-Forwarded-Client-Cert: By=x': ['request x-forwarded-client-cert'] };

/** What is added, and what differs, because a peer by mutual TLS is named to the application, and nobody else may name one. */
const shapesBetween: Readonly<Record<Between, Parameters<typeof describeHttp1Shapes>[1]>> = {
  'two proxies': {
    added: { ...addedByProxy, request: [...addedByProxy.request, 'x-forwarded-client-cert'] },
    documented: certificateOfPeers,
  },
  'a proxy and a pod without one': {},
  'a client without a proxy and a proxy': { documented: certificateOfPeers },
};

describe.each(Object.keys(shapesBetween) as Between[])('between %s', (between) => {
  const line = (): Line => lineBetween(between);

  describe('shapes of HTTP/1', () => {
    beforeAll(() => serveShapes(line()));
    afterAll(async () => {
      for (const port of Object.values(shapePorts)) await line().server.close({ port });
    });
    describeHttp1Shapes(line, shapesBetween[between]);
  });

  describe('logins', () => {
    beforeAll(async () => {
      for (const port of Object.values(loginPorts)) await line().server.listen({ kind: 'http', port });
    });
    afterAll(async () => {
      for (const port of Object.values(loginPorts)) await line().server.close({ port });
    });
    testLogins(line);
  });

  describe('a client with a kept connection', () => {
    testReplacedServers(line);
  });

  describe('streams of HTTP/2', () => {
    beforeAll(() => serveStreams(line().server));
    afterAll(async () => {
      for (const port of Object.values(streamPorts).flatMap((one) => Object.values(one))) {
        await line().server.close({ port });
      }
    });
    testStreams(line);
  });

  // Whether a client without a proxy speaks mutual TLS has to be seen first: what it says before it leaves may be lost.
  if (between === 'a client without a proxy and a proxy') return;

  describe('fidelity', () => {
    beforeAll(() => serveFidelity(line().server));
    testFidelity(line);
  });

  describe('dialogues', () => {
    testDialogues(line);
  });
});

test('bytes between two proxies came by mutual TLS, all of them', () => {
  const entries = (scene.pods['mesh']?.log() ?? '')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, string | null>>)
    .filter((entry) => entry['downstream_local_address']?.endsWith(`:${dialoguePorts.captured}`) === true);
  expect(new Set(entries.map((entry) => entry['requested_server_name']))).toEqual(
    new Set([`outbound_.${dialoguePorts.captured}_._.mesh.shop.svc.cluster.local`]),
  );
});
