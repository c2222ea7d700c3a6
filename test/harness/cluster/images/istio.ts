import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Image } from './archive.ts';
import { baseLayers, debian, programLayer } from './base.ts';
import { pinnedLayer, type Layer } from './layer.ts';

/** Where the agent looks for the bootstrap that it fills. */
const bootstrap = 'var/lib/istio/envoy/envoy_bootstrap_tmpl.json';

/**
 * Istio's control plane, and a stand-in for its proxy: the same agent and bootstrap, but Envoy as it is without Istio's own filters.
 *
 * @param programs the folder of Istio's programs
 */
export async function istioImages(programs: string, envoy: string): Promise<readonly Image[]> {
  const program = (name: string): Promise<Layer> => programLayer(path.join(programs, name), `/usr/local/bin/${name}`);
  const template = path.join(programs, 'envoy_bootstrap.json');
  const templateLayer = await pinnedLayer(['istio bootstrap', await readFile(template)], async (folder) => {
    const file = path.join(folder, bootstrap);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(template, file);
    await chmod(file, 0o644);
  });
  return [
    {
      name: 'cluster.test/istio/pilot:1',
      config: { Entrypoint: ['/usr/local/bin/pilot-discovery'] },
      layers: [...(await baseLayers(debian, [])), await program('pilot-discovery')],
    },
    {
      name: 'cluster.test/istio/proxyv2:1',
      config: { Entrypoint: ['/usr/local/bin/pilot-agent'] },
      layers: [
        ...(await baseLayers(debian, ['iptables'])),
        await programLayer(envoy, '/usr/local/bin/envoy'),
        await program('pilot-agent'),
        templateLayer,
      ],
    },
  ];
}
