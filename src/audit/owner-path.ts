import type { Owner } from './pod-record.ts';

/** Kinds whose names are taken from the objects below them, so that their uid has to be asked for. */
const collections: ReadonlyMap<string, string> = new Map([
  ['apps/v1 Deployment', 'deployments'],
  ['batch/v1 CronJob', 'cronjobs'],
]);

/** Returns the path of the collection in which an owner of unknown uid is; undefined if it is not asked for. */
export function collectionOf({ apiVersion, kind, namespace }: Owner): string | undefined {
  const plural = collections.get(`${apiVersion} ${kind}`);
  return plural === undefined ? undefined : `/apis/${apiVersion}/namespaces/${namespace}/${plural}`;
}
