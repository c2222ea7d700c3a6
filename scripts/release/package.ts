import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../checkout.ts';

interface Bill {
  metadata: { component: { name: string; type: string } };
  [field: string]: unknown;
}

/** The bill of materials of what runs (CycloneDX): the packages in the bundle and in the library's dependencies. */
export async function readBill(): Promise<Bill> {
  const bill = JSON.parse(
    await npm('sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--omit=dev', '--package-lock-only'),
  ) as Bill;
  // npm names it after the folder of the checkout.
  bill.metadata.component.name = 'sidecar-injector';
  return bill;
}

/** Writes the library's package and the bill of materials. */
export async function writePackage(folder: string): Promise<void> {
  await npm('pack', '--pack-destination', folder);
  await writeFile(path.join(folder, 'sbom.cdx.json'), `${JSON.stringify(await readBill(), null, 2)}\n`);
}

async function npm(...args: readonly string[]): Promise<string> {
  const options = { cwd: root, env: { ...process.env, npm_config_update_notifier: 'false', NODE_OPTIONS: '' } };
  return (await promisify(execFile)('npm', args, { ...options, maxBuffer: 64 * 1024 * 1024 })).stdout;
}
