import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { selfSigned } from '../../../support/http/self-signed.ts';
import type { Image } from './archive.ts';
import { programLayer } from './base.ts';
import { freshLayer } from './layer.ts';

/**
 * The image of the pods of Gateway API's conformance suite, under the name that its manifests have.
 *
 * @param programs the folder of the suite
 * @param folder takes the layer that changes
 */
export async function echoImage(programs: string, folder: string): Promise<Image> {
  const manifests = await readFile(path.join(programs, 'mesh.yaml'), 'utf8');
  const [name, other] = new Set([...manifests.matchAll(/image: (?<name>\S+)/g)].map((found) => found[1]));
  if (name === undefined || other !== undefined)
    throw new Error('the suite’s manifests name more or less than one image');
  const { cert, key } = selfSigned('echo');
  return {
    name,
    config: { Entrypoint: ['/usr/local/bin/server'] },
    layers: [
      ...(await Promise.all(
        ['server', 'echo-client', 'client'].map((program) =>
          programLayer(path.join(programs, program), `/usr/local/bin/${program}`),
        ),
      )),
      await freshLayer(folder, async (root) => {
        await writeFile(path.join(root, 'cert.crt'), cert);
        await writeFile(path.join(root, 'cert.key'), key);
      }),
    ],
  };
}
