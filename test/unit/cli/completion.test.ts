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

const commands = commandTree(createProgram({} as never)).filter(({ examples }) => examples.length > 0);
const helpOf = async (command: string): Promise<string> => (await runCommand([...command.split(' '), '--help'])).stdout;

test('every command that does something has an example, and its help has no gap', async () => {
  const groups = ['', 'rollout', 'template', 'certs'];
  const names = commandTree(createProgram({} as never)).map((node) => node.path);
  expect(commands.map((node) => node.path)).toEqual(names.filter((name) => !groups.includes(name)));
  for (const { path } of commands) expect(await helpOf(path)).not.toMatch(/\n\n\n/);
});

test('a duration has its default as it is written', async () => {
  const help = (await helpOf('rollout restart')).replaceAll(/\s+/g, ' ');
  expect(help).toContain('before the next workload, such as 30s or 5m (default: 10s)');
  expect(help).toContain('until it is available again (default: 10m)');
  const restart = commands.find(({ path }) => path === 'rollout restart');
  expect(restart?.options.map(({ description }) => description).join('\n')).not.toMatch(/default: \d{4}/);
});

test('the exit codes of a command are those of its help', async () => {
  const diff = commands.find(({ path }) => path === 'diff');
  const told = '0 no differences, 1 invalid input or no answer of the cluster, 2 invalid usage, 3 differences.';
  expect(diff?.exitCodes).toBe(told);
  expect(await helpOf('diff')).toContain(`\n\nExit codes: ${told}\n`);
  expect(commands.find(({ path }) => path === 'version')?.exitCodes).toBeUndefined();
});
