import { Argument, type Command } from 'commander';
import { exitCodes, type Io } from '../../io.ts';
import type { Shell } from './script.ts';

/** `completion`: prints a script with which a shell completes commands, options and values. */
export function registerCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('Print a script that completes commands, options and values in bash or zsh.')
    .addArgument(new Argument('<shell>', 'shell to print the script for').choices(['bash', 'zsh']))
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  source <(sidecar-injector completion bash)',
        '  sidecar-injector completion zsh > "${fpath[1]}/_sidecar-injector"',
      ].join('\n'),
    )
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./script.ts');
      io.stdout(completionScript(shell, program.name()));
      io.finish(exitCodes.fine);
    });
}
