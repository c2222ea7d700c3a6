import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../../../scripts/checkout.ts';
import { shippedNames, sidecarsFile } from '../../../scripts/manifests/sidecars.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { nameOf } from '../../../src/sidecars/template-library.ts';
import { snapshotOf } from '../builders/snapshots.ts';
import type { Duty, DutyFile } from './duty.ts';

const folder = path.join(root, path.dirname(sidecarsFile));

/** Folders of the sidecars that are shipped, each with its template, tests and README. */
export const shippedFolders: readonly string[] = shippedNames().map((name) => path.join(folder, name));

function templatesIn(directory: string): JsonObject[] {
  const text = readFileSync(path.join(directory, 'template.yaml'), 'utf8');
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as JsonObject);
}

/** A snapshot with every shipped sidecar, where pods may name Secrets and have privileged ones. */
export function snapshotWithShipped(settings: object = {}): Snapshot {
  const sidecars = { allowSecretsIn: ['*'], allowPrivilegedIn: ['*'] };
  return snapshotOf({ sidecars, ...settings }, { templates: shippedFolders.flatMap(templatesIn) });
}

const dutyFiles = new Map(
  await Promise.all(
    shippedNames().map(async (name) => [name, (await import(`./duties/${name}.ts`)) as DutyFile] as const),
  ),
);

/** What a shipped sidecar has to do in a busy pod. Throws for a name that no sidecar has. */
export function dutyOf(name: string): Duty {
  const file = dutyFiles.get(name);
  if (file === undefined) throw new Error(`no shipped sidecar has the name ${name}`);
  return file.duty;
}

/** The annotations that select sidecars (or `sidecar`, the proxy), with those that they need. */
export function selectionOf(references: readonly string[]): Readonly<Record<string, string>> {
  const parameters = references.map((reference) => dutyFiles.get(nameOf(reference))?.parameters);
  return Object.assign({ 'inject.istio.io/templates': references.join(',') }, ...parameters) as Record<string, string>;
}
