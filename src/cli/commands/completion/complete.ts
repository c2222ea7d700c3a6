import type { Command } from 'commander';
import { completeWord } from './candidates.ts';
import { commandTree } from './command-tree.ts';
import { exitCodes, type Io } from '../../io.ts';

/** What the caller does besides, in the numbers of Cobra, kubectl's library (ShellCompDirective). */
const directives = { files: 0, nothing: 4 } as const;

/**
 * Answers kubectl, which asks a plug-in by `kubectl_complete-NAME` for the words that may come next: one a line with its
 * description behind a tab, and a number that says whether names of files may come as well. The last of the words is the
 * one that is being written.
 */
export function answerCompletion(program: Command, words: readonly string[], io: Io): void {
  const found = completeWord(commandTree(program), words.slice(0, -1), words.at(-1) ?? '');
  const lines = found.words.map(({ word, description }) => (description === '' ? word : `${word}\t${description}`));
  io.stdout(`${[...lines, `:${found.files ? directives.files : directives.nothing}`].join('\n')}\n`);
  io.finish(exitCodes.fine);
}
