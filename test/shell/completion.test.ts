import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../support/builders/recorded-io.ts';
import { typeLine } from '../support/processes/shell-session.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'completion-'));
  mkdirSync(path.join(folder, 'only one'));
  writeFileSync(path.join(folder, 'manifest.yaml'), '');
  symlinkSync(path.resolve('bin/kubectl-sidecar_injector'), path.join(folder, 'sidecar-injector'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What is typed, and the arguments that come of it. */
const lines: [typed: string, got: string][] = [
  ['uni\t-', 'uninject -'],
  ['inject --summ\t', 'inject --summary'],
  ['inject -o unif\t', 'inject -o unified'],
  ['inject --output=unif\t', 'inject --output=unified'],
  ['explain -o js\t', 'explain -o json'],
  // A value is no command: `-n check` is the namespace.
  ['inject -n check --summ\t', 'inject -n check --summary'],
  ['certs gen\t--serv\tx', 'certs generate --service x'],
  ['capture --fam\tnf\t', 'capture --family nft'],
  ['completion zs\t', 'completion zsh'],
  ['inject -f FOLDER/man\t--check', 'inject -f FOLDER/manifest.yaml --check'],
  ['inject -f FOLDER/on\tx', 'inject -f FOLDER/only one/x'],
  ['inject --filename=FOLDER/man\t--check', 'inject --filename=FOLDER/manifest.yaml --check'],
  ['template test FOLDER/on\tx', 'template test FOLDER/only one/x'],
  ['uninject --pod-template A=/b --filen\tx', 'uninject --pod-template A=/b --filename x'],
  // Without anything to choose from, a file of this folder is not offered either.
  ['inject --namespace REA\t', 'inject --namespace REA'],
  // Options come where no word is expected.
  ['version \t-\t', 'version --help'],
];

describe.each(['bash', 'zsh'] as const)('%s', (shell) => {
  let script = '';
  beforeAll(async () => {
    const { stdout, code } = await runCommand(['completion', shell]);
    expect(code).toBe(0);
    script = path.join(folder, `completion.${shell}`);
    writeFileSync(script, stdout);
  });

  test.each(lines)(
    '%j',
    async (typed, got) => {
      const line = `sidecar-injector ${typed.replace('FOLDER', folder)}`;
      expect(await typeLine(shell, { name: 'sidecar-injector', folder, script }, line)).toBe(
        got.replace('FOLDER', folder),
      );
    },
    30_000,
  );
});
