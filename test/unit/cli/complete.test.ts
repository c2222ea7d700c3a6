import { expect, test } from '@jest/globals';
import { runCommand } from '../../support/builders/recorded-io.ts';

/** The words that are offered, and the number behind them. */
async function offered(words: readonly string[]): Promise<readonly [words: readonly string[], directive: string]> {
  const { stdout, stderr, code } = await runCommand(['__complete', ...words]);
  expect([stderr, code]).toEqual(['', 0]);
  const lines = stdout.trimEnd().split('\n');
  return [lines.slice(0, -1).map((line) => line.split('\t')[0] ?? ''), lines.at(-1) ?? ''];
}

test.each<[words: string[], expected: string[], directive: string]>([
  [['inj'], ['inject'], ':4'],
  [['uni'], ['uninject'], ':4'],
  [['--vers'], ['--version'], ':4'],
  [['--version'], ['--version'], ':4'],
  [['inject', '--summ'], ['--summary'], ':4'],
  [['inject', '-o', 'un'], ['unified'], ':4'],
  [['inject', '--output=un'], ['--output=unified'], ':4'],
  // A value is no command, and one that is free text has no candidates.
  [['inject', '-n', 'check', '--summ'], ['--summary'], ':4'],
  [['inject', '-n', ''], [], ':4'],
  [['inject', '--native-sidecars', ''], ['true', 'false'], ':4'],
  [['inject', '-f', ''], [], ':0'],
  [['check', '--sidecars', 'x'], [], ':0'],
  [['certs', 'gen'], ['generate'], ':4'],
  [['certs', 'generate', '--serv'], ['--service'], ':4'],
  [['completion', ''], ['bash', 'zsh'], ':4'],
  [['template', 't'], ['test'], ':4'],
  [['template', 'test', ''], [], ':0'],
  [['template', 'lint', '--st'], ['--strict'], ':4'],
  // Where no word is expected, the options are offered.
  [['version', ''], ['-h', '--help'], ':4'],
  [['nothing', 'like', 'it'], [], ':4'],
  [['constructor', '--summ'], [], ':4'],
])('%j', async (words, expected, directive) => {
  expect(await offered(words)).toEqual([expected, directive]);
});

test('at the beginning every command is offered, with what it does', async () => {
  const [words] = await offered(['']);
  expect(words).toEqual(expect.arrayContaining(['serve', 'inject', 'explain', 'version', 'help']));
  expect(words).not.toContain('__complete');
  expect(await offered([])).toEqual([words, ':4']);
  expect((await runCommand(['__complete', 'vers'])).stdout).toBe(
    'version\tPrint the version of the program and of the Node.js that runs it.\n:4\n',
  );
});
