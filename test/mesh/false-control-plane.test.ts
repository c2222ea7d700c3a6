import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { KeyedCertificate } from '../../src/certs/authority.ts';
import { createEllipticAuthority } from '../../src/certs/elliptic-certificate.ts';
import {
  startControlPlaneProcess,
  type ControlPlaneProcess,
  type Line,
} from '../support/mesh/control-plane-process.ts';
import { openMesh, port, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * Somebody else stands at the address of the control plane. It knows no token, so that it tells of each stream that it turns away: whoever
 * has turned away a stream has had its token.
 */

const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-false-'));
const stranger = createEllipticAuthority({
  name: 'control-plane',
  now: new Date(),
  lifetimeMs: 24 * 60 * 60 * 1000,
});
const otherPort = port + 1;

let scene: MeshScene;
let front: MeshPod;
let other: ControlPlaneProcess | undefined;

beforeAll(async () => {
  scene = await openMesh('false', [{ name: 'front' }]);
  front = scene.pods['front'] as MeshPod;
});

afterEach(async () => {
  await other?.stop('SIGKILL');
});

afterAll(async () => {
  await scene.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a control plane whose certificate is for the host, to which the connections of proxies come from now on. */
async function standIn(host: string, own: KeyedCertificate): Promise<ControlPlaneProcess> {
  const state = path.join(folder, `${host}-${own === stranger ? 'other' : 'own'}.json`);
  writeFileSync(state, JSON.stringify({ ...scene.authorities, own }));
  other = await startControlPlaneProcess(scene.network.hub, `${host}:${otherPort}`, state);
  scene.steer([other]);
  return other;
}

/** How many connections have come to the one that stands in, by the counter of the rule that leads there. */
function connections(): number {
  const words = ['--table', 'nat', '--list', 'PREROUTING', '--verbose', '--numeric', '--exact'];
  const { stdout } = scene.network.run(scene.network.hub, ['iptables', ...words]);
  return Number(/^ *(\d+) .* REDIRECT /m.exec(stdout)?.[1]);
}

const turnedAway = ({ lines }: ControlPlaneProcess): readonly Line[] =>
  lines.filter(({ type }) => type === 'turned-away');

/** Starts the proxy, which finds somebody else, and then the control plane itself. */
async function meet(
  host: string,
  own: KeyedCertificate,
  look: (other: ControlPlaneProcess) => Promise<unknown>,
): Promise<void> {
  await front.stopProxy();
  const met = await standIn(host, own);
  const started = front.startProxy();
  try {
    await look(met);
  } finally {
    scene.steer([]);
    await started;
  }
  await scene.controlPlane.untilInSync(1);
}

test('one with the same authority and name is shown the token, so that the tests below would see it', async () => {
  await meet(scene.network.hubV4, scene.authorities.own, (same) => until('a stream', () => turnedAway(same)[0]));
});

test.each([
  ['of another authority', () => [scene.network.hubV4, stranger] as const],
  ['for another name', () => ['0.0.0.0', scene.authorities.own] as const],
])('one with a certificate %s is refused, and is never shown the token', async (_, named) => {
  await meet(...named(), async (wrong) => {
    // The first has ended when the next one comes.
    await until('another connection', () => connections() >= 2 || undefined);
    // Whatever it has told of before is there once it has answered.
    expect(await wrong.inSync()).toEqual([]);
    expect(turnedAway(wrong)).toEqual([]);
  });
});
