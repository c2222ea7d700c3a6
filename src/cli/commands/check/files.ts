import { exitCodes, print, report, type Io } from '../../io.ts';
import type { CheckOptions } from './options.ts';

/** Reports all problems of settings and templates at once, and returns the exit code. */
export async function checkFiles(options: CheckOptions, io: Io): Promise<number> {
  const { describeFileProblem, loadConfiguration } = await import('../../../runtime/configuration.ts');
  const loaded = await loadConfiguration(options);
  if ('problems' in loaded) {
    const remedy = 'correct the files and run the command again';
    return report({ problems: loaded.problems.map(describeFileProblem), remedy, code: exitCodes.failed }, io);
  }
  const { snapshot, files } = loaded;
  const templates = ['sidecar (built in)', ...snapshot.templates.keys()];
  print(
    [
      `${files.length === 0 ? 'no documents' : files.join(', ')}: valid`,
      `settings ${snapshot.hash}, sidecars: ${templates.join(', ')}`,
    ],
    io,
  );
  return exitCodes.fine;
}
