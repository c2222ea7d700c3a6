import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import { addClusterOptions, addExamples } from '../../options.ts';
import type { BugreportOptions } from './run.ts';

/** `bugreport`: collects what describes an installation in one archive. */
export function registerBugreport(program: Command, io: Io): void {
  const command = program
    .command('bugreport')
    .description(
      'Collect what describes the installation in one archive: the results of check, registration, Deployment, pods, logs and Events of its namespace, settings and sidecars, and labels of namespaces. Without values of variables, contents of Secrets, headers, tokens and keys.',
    );
  addClusterOptions(command).option(
    '--file <file>',
    'file to write; it must not exist (default: sidecar-injector-TIME.tar.gz here)',
  );
  addExamples(command, 'sidecar-injector bugreport', 'sidecar-injector bugreport --file report.tar.gz');
  command.action(async (options: BugreportOptions) => {
    const { runBugreport } = await import('./run.ts');
    io.finish(await runBugreport(options, io));
  });
}
