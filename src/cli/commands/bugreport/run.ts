import { writeFile } from 'node:fs/promises';
import { ApiError } from '../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { exitCodes, print, remark, report, type Io } from '../../io.ts';
import { connectAs } from '../../kubeconfig.ts';
import type { ClusterOptions } from '../../options.ts';
import { checkInstallation } from '../check/run.ts';
import { collect } from './collection.ts';
import { archive } from './tar.ts';

/** Options of `bugreport`. */
export interface BugreportOptions extends ClusterOptions {
  readonly file?: string;
}

/** Runs `bugreport` and returns the exit code. What a right is missing for is left out and said. */
export async function runBugreport({ file, ...options }: BugreportOptions, io: Io): Promise<number> {
  const time = new Date();
  const target = file ?? `sidecar-injector-${time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}.tar.gz`;
  let client: ApiClient | undefined;
  try {
    client = await connectAs(options);
    const results = await checkInstallation(client, 0, io);
    const { files, problems } = await collect(client, results, { time });
    // Only the user may read it, and nothing is overwritten.
    await writeFile(target, archive(files, time), { mode: 0o600, flag: 'wx' });
    remark(
      problems.map((problem) => `warning: not collected: ${problem}`),
      io,
    );
    print([`${target}: ${files.length} files; read them before you pass them on`], io);
    return exitCodes.fine;
  } catch (error) {
    if (error instanceof ApiError) {
      const remedy = 'give a kubeconfig with --kubeconfig';
      return report({ problems: [error.message], remedy, code: exitCodes.failed }, io);
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why = code === 'EEXIST' ? 'it is there already' : code;
    const remedy = 'name another file with --file';
    return report({ problems: [`${target} cannot be written: ${why}`], remedy, code: exitCodes.failed }, io);
  } finally {
    client?.close();
  }
}
