import type { Command } from 'commander';
import { version } from '../../settings/version.ts';
import { exitCodes, type Io } from '../io.ts';

export function registerVersion(program: Command, io: Io): void {
  program
    .command('version')
    .description('Print the version of the program and of the Node.js that runs it.')
    .addHelpText('after', '\nExample:\n  sidecar-injector version')
    .action(() => {
      io.stdout(`sidecar-injector ${version} (node ${process.version})\n`);
      io.finish(exitCodes.fine);
    });
}
