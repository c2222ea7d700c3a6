import { expect, test } from '@jest/globals';
import { commandTree } from '../../../src/cli/commands/completion/command-tree.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

test('every command and option of the program is offered', async () => {
  const nodes = commandTree(createProgram({} as never));
  expect(nodes.map((node) => node.path)).toEqual(
    expect.arrayContaining(['', 'inject', 'certs generate', 'completion']),
  );
  for (const { path, subcommands, options } of nodes) {
    const before = ['__complete', ...path.split(' ').filter((word) => word !== '')];
    const offered = `${(await runCommand([...before, ''])).stdout}${(await runCommand([...before, '-'])).stdout}`;
    const wanted = [...subcommands.map(({ name }) => name), ...options.flatMap(({ flags }) => flags)];
    expect(offered.split(/[\t\n]/)).toEqual(expect.arrayContaining(wanted));
  }
});

test.each(['bash', 'zsh'])('the script for %s asks the program and holds none of its words', async (shell) => {
  const { code, stdout } = await runCommand(['completion', shell]);
  expect([code, stdout]).toEqual([0, expect.stringContaining(' __complete ')]);
  expect(stdout).not.toContain('--filename');
});

test('another shell is a usage error', async () => {
  const { code, stdout, stderr } = await runCommand(['completion', 'fish']);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('Allowed choices are bash, zsh');
});
