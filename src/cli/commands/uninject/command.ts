import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import {
  addExamples,
  addFilenameOption,
  addOutputOption,
  addPodTemplateOption,
  addVerboseOption,
} from '../../options.ts';
import type { UninjectOptions } from './options.ts';

/** `uninject`: removes the sidecar from manifests. */
export function registerUninject(program: Command, io: Io): void {
  const command = program
    .command('uninject')
    .description('Remove the sidecar from manifests. Objects that were never injected pass through unchanged.');
  addFilenameOption(command);
  addOutputOption(
    command,
    ['yaml', 'json', 'diff', 'unified'],
    'output format: yaml keeps formatting and comments; diff lists the changes by container and field; unified is a text diff',
  );
  addPodTemplateOption(command);
  addVerboseOption(command);
  addExamples(
    command,
    'sidecar-injector uninject -f injected.yaml > plain.yaml',
    'kubectl get deploy web -o yaml | sidecar-injector uninject -f - | kubectl apply -f -',
  );
  command.action(async (options: UninjectOptions) => {
    const { runUninject } = await import('./run.ts');
    io.finish(await runUninject(options, io));
  });
}
