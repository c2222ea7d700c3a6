import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { exitCodes, print, printJson, remark, report, type Failure, type Io } from '../../io.ts';
import { connectAs } from '../../kubeconfig.ts';
import { viewCluster } from './cluster.ts';
import type { CheckOptions } from './options.ts';
import { resultLines, resultView } from './text.ts';
import { isBad, walk, type Checked, type Patience } from './walk.ts';

const pauseMs = 1_000;

function patienceUntil(endMs: number): Patience {
  return {
    async again() {
      if (Date.now() + pauseMs > endMs) return false;
      await sleep(pauseMs);
      return true;
    },
  };
}

/** Checks the installation in a cluster. Rejects with an `ApiError` if there are no credentials. */
export async function checkInstallation(client: ApiClient, waitMs: number, io: Io): Promise<readonly Checked[]> {
  const tell = (text: string): void => remark([text], io);
  return walk(() => viewCluster(client, new Date(), tell), patienceUntil(Date.now() + waitMs));
}

/** Runs `check` without files, and returns the exit code. */
export async function checkCluster({ wait = 0, output, ...options }: CheckOptions, io: Io): Promise<number> {
  let client: ApiClient;
  try {
    client = await connectAs(options);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const remedy =
      'give a kubeconfig with --kubeconfig; to check files instead, give --settings FILE or --sidecars PATH';
    const failure: Failure = { problems: [error.message], remedy, code: exitCodes.failed };
    return report(failure, io);
  }
  try {
    const results = await checkInstallation(client, wait, io);
    if (output === 'json') printJson(resultView(results), io);
    else print(resultLines(results), io);
    return results.some(({ finding }) => isBad(finding)) ? exitCodes.failed : exitCodes.fine;
  } finally {
    client.close();
  }
}
