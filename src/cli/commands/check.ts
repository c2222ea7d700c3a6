import type { Command } from 'commander';
import { exitCodes, print, report, type Io } from '../io.ts';
import { collect } from '../options.ts';

export interface CheckOptions {
  readonly settings?: string;
  readonly sidecars?: readonly string[];
}

/** `check`: reports all problems of settings and templates at once. */
export async function runCheck(options: CheckOptions, io: Io): Promise<number> {
  if (options.settings === undefined && options.sidecars === undefined) {
    const remedy = 'give --settings FILE, --sidecars PATH or both';
    return report({ problems: ['there is nothing to check'], remedy, code: exitCodes.usage }, io);
  }
  const { describeFileProblem, loadConfiguration } = await import('../../runtime/configuration.ts');
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

export function registerCheck(program: Command, io: Io): void {
  program
    .command('check')
    .description('Validate settings and sidecar templates, and report every problem with its file and path.')
    .option('--settings <file>', 'file with an InjectorConfiguration')
    .option(
      '--sidecars <path>',
      'file, folder or folder of folders with SidecarTemplate objects; can be repeated',
      collect,
    )
    .addHelpText('after', '\nExample:\n  sidecar-injector check --settings settings.yaml --sidecars sidecars/')
    .action(async (options: CheckOptions) => io.finish(await runCheck(options, io)));
}
