import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { read } from '../../harness/tools/command.ts';

/** Returns the folder of the module that the programs of this tier are built from; undefined where it cannot be had. */
export async function findIstioSources(): Promise<string | undefined> {
  const program = path.join(root, 'test/istio/program');
  if ((await read(['go', '-C', program, 'mod', 'download', 'istio.io/istio'])) === undefined) return undefined;
  return read(['go', '-C', program, 'list', '-m', '-f', '{{.Dir}}', 'istio.io/istio']);
}
