import { expect, test } from '@jest/globals';
import { commandTree } from '../../../src/cli/commands/completion/command-tree.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

test('every command and option of the program is there', async () => {
  const nodes = commandTree(createProgram({} as never));
  expect(nodes.map((node) => node.path)).toEqual(
    expect.arrayContaining(['', 'inject', 'certs generate', 'completion']),
  );
  for (const shell of ['bash', 'zsh']) {
    const { stdout } = await runCommand(['completion', shell]);
    const words = new Set(stdout.split(/[\s'|:)(]+/));
    const wanted = nodes.flatMap(({ subcommands, options }) => [
      ...subcommands.map(({ name }) => name),
      ...options.flatMap(({ flags }) => flags),
    ]);
    expect(wanted.filter((word) => !words.has(word))).toEqual([]);
  }
});

test('another shell is a usage error', async () => {
  const { code, stdout, stderr } = await runCommand(['completion', 'fish']);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('Allowed choices are bash, zsh');
});
