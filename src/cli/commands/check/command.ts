import type { Command } from 'commander';
import { report, usageFailure, type Io } from '../../io.ts';
import { addClusterOptions, addExamples, addExitCodes, addOutputOption, collect, readDuration } from '../../options.ts';
import type { CheckOptions } from './options.ts';

async function runCheck(options: CheckOptions, io: Io): Promise<number> {
  if (options.settings === undefined && options.sidecars === undefined) {
    const { checkCluster } = await import('./run.ts');
    return checkCluster(options, io);
  }
  const { kubeconfig, context, wait, output } = options;
  if (kubeconfig !== undefined || context !== undefined || wait !== undefined || output !== 'text') {
    const problem = '--kubeconfig, --context, --wait and -o json are for a check of the cluster, not of files';
    return report(usageFailure(problem, 'leave out --settings and --sidecars, or these'), io);
  }
  const { checkFiles } = await import('./files.ts');
  return checkFiles(options, io);
}

/** `check`: walks a live installation, or validates settings and templates of files. */
export function registerCheck(program: Command, io: Io): void {
  const command = program
    .command('check')
    .description(
      'Check the installation in the cluster and the pods that it is responsible for; or, with --settings or --sidecars, validate these files and report every problem with its path. Changes nothing.',
    )
    .option('--settings <file>', 'file with an InjectorConfiguration')
    .option(
      '--sidecars <path>',
      'file, folder or folder of folders with SidecarTemplate objects; can be repeated',
      collect,
    );
  addClusterOptions(command).option(
    '--wait <duration>',
    'how long to wait for an installation that is not complete yet, such as 90s or 5m',
    readDuration,
  );
  addOutputOption(command, ['text', 'json'], 'format of the results for the cluster');
  addExamples(
    command,
    'sidecar-injector check',
    'sidecar-injector check --wait 2m',
    'sidecar-injector check --settings settings.yaml --sidecars sidecars/',
  );
  addExitCodes(command, { fine: 'nothing but warnings', failed: 'something failed or could not be checked' });
  command.action(async (options: CheckOptions) => io.finish(await runCheck(options, io)));
}
