import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { openMesh, serviceObjects, type MeshScene } from '../../../test/support/mesh/mesh-scene.ts';
import { until } from '../../../test/support/waiting.ts';
import { serve, type Passage, type Sides } from './stage.ts';

const address = '10.96.0.5';
const ports = [{ name: 'http', port: 8080, target: 8080 }];

type MeshPod = MeshScene['pods'][string];

function proxyOf({ network, name }: MeshPod): { readonly pid: number } {
  const all = execFileSync('ip', ['netns', 'pids', network.name], { encoding: 'utf8' }).trim().split('\n');
  const pid = all.find((one) => readFileSync(`/proc/${one}/comm`, 'utf8').trim() === 'envoy');
  if (pid === undefined) throw new Error(`${name} has no proxy`);
  return { pid: Number(pid) };
}

/**
 * Pods around a control plane of the mesh, which are on one bridge: a server, and a client that calls its Service by mutual TLS, or
 * without a proxy its pod in plain text. Needs `ENVOY_BIN`; whoever opens it closes it.
 */
export async function openMeshStage(label: string, sides: Exclude<Sides, 'none'>): Promise<Passage> {
  const scene = await openMesh(label, [{ name: 'server' }, ...(sides === 'both' ? [{ name: 'client' }] : [])]);
  try {
    const { server, client } = scene.pods as { readonly server: MeshPod; readonly client?: MeshPod };
    await serve(server.app);
    scene.set(...serviceObjects('server', address, ports, [server]));
    const sidecars = Object.values(scene.pods).map(proxyOf);
    await scene.controlPlane.untilInSync(sidecars.length);
    const url = `http://${client === undefined ? server.network.v4 : address}:8080/`;
    const passage = { client: client?.app ?? scene.outside, sidecars, url, close: () => scene.stop() };
    await until(`${url} is served`, async () => {
      const answer = await passage.client.ask({ url }).catch(() => undefined);
      return answer?.status === 200 || undefined;
    });
    if (client === undefined) return passage;
    // What is measured is mutual TLS: the server logs the name that it was asked by.
    await until('a call by mutual TLS', () => server.log().includes('"requested_server_name":"outbound_') || undefined);
    return passage;
  } catch (error) {
    await scene.stop();
    throw error;
  }
}
