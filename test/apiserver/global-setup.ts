import { startInstalledCluster } from '../support/cluster/installed-cluster.ts';
import { keepStop, shareCluster } from '../support/processes/shared-cluster.ts';

/** Starts what all files of the tier share. */
export default async function setUp(): Promise<void> {
  const startMs = Date.now();
  const cluster = await startInstalledCluster();
  keepStop(() => cluster.stop());
  shareCluster(cluster);
  process.stderr.write(`cluster ready after ${Date.now() - startMs} ms; logs: ${cluster.folder}\n`);
}
