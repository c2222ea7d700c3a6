import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import { addExamples } from '../../options.ts';
import type { PlaygroundOptions } from './options.ts';

/** `playground`: serves the page that runs the engine in a browser, or writes it to a file. */
export function registerPlayground(program: Command, io: Io): void {
  const command = program
    .command('playground')
    .description(
      'Serve a page on this machine that shows what would be done with a manifest, and why. The engine runs in the browser.',
    )
    .option('--port <port>', 'port of 127.0.0.1 to serve the page on; 0 takes a free one', '8765')
    .option(
      '-o, --output <file>',
      'write the page to a file instead, which any web server can host; - is standard output',
    );
  addExamples(command, 'sidecar-injector playground', 'sidecar-injector playground -o playground.html');
  command.action(async (options: PlaygroundOptions) => {
    const { runPlayground } = await import('./run.ts');
    io.finish(await runPlayground(options, io));
  });
}
