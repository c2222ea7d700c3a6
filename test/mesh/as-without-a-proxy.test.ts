import { afterAll, beforeAll, describe, jest } from '@jest/globals';
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
import type { Line } from '../support/network/as-without-a-proxy/line.ts';
import { loginPorts, testLogins } from '../support/network/as-without-a-proxy/logins.ts';
import { replacedPorts, testReplacedServers } from '../support/network/as-without-a-proxy/replaced-servers.ts';

jest.setTimeout(60_000);

/*
 * The same exchanges as with one proxy that knows no mesh, through a Service: from one proxy to another by mutual TLS, and from one
 * to a pod that has none.
 */

const numbers = [shapePorts.proxied, dialoguePorts.captured, ...Object.values(replacedPorts.proxied), ...fidelityPorts];
const plain = [shapePorts.plain, dialoguePorts.excluded, ...Object.values(replacedPorts.plain)];

const own: readonly number[] = [15_090, 15_021, 15_020];
const ranges = (ports: readonly number[]): readonly PortRange[] => ports.map((at) => ({ first: at, last: at }));

let scene: MeshScene;
let front: MeshPod;
const lines: Record<'mesh' | 'legacy', Line | undefined> = { mesh: undefined, legacy: undefined };

function lineTo(name: keyof typeof lines): Line {
  const line = lines[name];
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
    annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': plain.join(',') },
    capture: { inbound: { excludePorts: ranges([...own, ...plain]) }, outbound: { excludePorts: ranges(plain) } },
  };
  scene = await openMesh('faithful', [
    { name: 'front', ...options },
    { name: 'mesh', ...options },
    { name: 'legacy', proxy: 'none' },
  ]);
  front = scene.pods['front'] as MeshPod;
  for (const [index, name] of (['mesh', 'legacy'] as const).entries()) {
    const server = scene.pods[name] as MeshPod;
    const host = `10.96.0.${index + 5}`;
    // The names say nothing: the settings and the client's first bytes decide.
    const ports = [...new Set(numbers)].map((port) => ({ name: `any-${port}`, port, target: port }));
    scene.set(...serviceObjects(name, host, ports, [server]));
    lines[name] = { client: front.app, server: server.app, host, plainHost: server.network.v4 };
  }
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

/** A peer by mutual TLS is named to the application. */
const added = {
  mesh: { ...addedByProxy, request: [...addedByProxy.request, 'x-forwarded-client-cert'] },
  legacy: addedByProxy,
};

/** What a peer by mutual TLS says of other peers stays, and is followed by its own name. */
const ofPeers = {
  mesh: { 'request: the fields X-Forwarded-Client-Cert: By=x': ['request x-forwarded-client-cert'] },
  legacy: {},
};

describe.each(['mesh', 'legacy'] as const)('to a pod: %s', (name) => {
  const line = (): Line => lineTo(name);

  describe('shapes of HTTP/1', () => {
    beforeAll(() => serveShapes(line()));
    afterAll(async () => {
      for (const port of Object.values(shapePorts)) await line().server.close({ port });
    });
    describeHttp1Shapes(line, added[name], ofPeers[name]);
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

  describe('fidelity', () => {
    beforeAll(() => serveFidelity(line().server));
    testFidelity(line);
  });

  describe('dialogues', () => {
    testDialogues(line);
  });
});
