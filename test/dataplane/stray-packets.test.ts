import { afterEach, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { addresses } from '../support/network/pod-namespace.ts';
import { openScene, type Scene } from '../support/network/scene.ts';

const ports = { captured: 9000, excluded: 9180 } as const;
const program = new URL('../support/network/stray-packet.pl', import.meta.url).pathname;

let scene: Scene;

afterEach(() => scene.stop());

/** What becomes of connections to an echo server in the pod after a packet from beyond their window. */
async function outcomes(label: string, annotations: Readonly<Record<string, string>>): Promise<object> {
  const excluded = { 'traffic.sidecar.istio.io/excludeInboundPorts': String(ports.excluded) };
  scene = await openScene({ label, pod: podWith({ annotations: { ...excluded, ...annotations } }) });
  const entries = [];
  for (const [name, port] of Object.entries(ports)) {
    await scene.app.listen({ kind: 'echo', port });
    const { stdout, stderr } = scene.pod.namespace.run('cluster', ['perl', program, addresses.pod.v4, String(port)]);
    entries.push([name, stderr === '' ? stdout.trim() : stderr]);
  }
  return Object.fromEntries(entries) as object;
}

// The kernel does not translate the packet, so that the application's port answers it with a reset.
test('a packet from beyond the window of a captured connection ends it', async () => {
  expect(await outcomes('stray', {})).toEqual({ captured: 'ended', excluded: 'lives' });
});

test('where invalid packets are dropped, the connection lives', async () => {
  const annotations = { 'proxy.istio.io/config': 'proxyMetadata: {INVALID_DROP: "true"}' };
  expect(await outcomes('drop', annotations)).toEqual({ captured: 'lives', excluded: 'lives' });
});
