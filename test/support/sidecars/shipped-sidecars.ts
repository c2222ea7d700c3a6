import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { snapshotOf } from '../builders/snapshots.ts';

const folder = path.resolve(import.meta.dirname, '../../../deploy/sidecars');

/** Folders of the sidecars that are shipped, each with its template, tests and README. */
export const shippedFolders: readonly string[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => path.join(folder, entry.name));

function templatesIn(directory: string): JsonObject[] {
  const text = readFileSync(path.join(directory, 'template.yaml'), 'utf8');
  return parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as JsonObject);
}

/** A snapshot with every shipped sidecar, where pods may name Secrets and have privileged ones. */
export function snapshotWithShipped(settings: object = {}): Snapshot {
  const sidecars = { allowSecretsIn: ['*'], allowPrivilegedIn: ['*'] };
  return snapshotOf({ sidecars, ...settings }, { templates: shippedFolders.flatMap(templatesIn) });
}

/** Annotations without which a shipped sidecar is not injected. */
export const requiredParameters = { 'tls-terminator.sidecar-injector.io/secret': 'web-tls' } as const;
