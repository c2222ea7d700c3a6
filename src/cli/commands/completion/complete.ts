import type { Command } from 'commander';
import { exitCodes, type Io } from '../../io.ts';
import { commandTree, type CommandNode, type Values } from './command-tree.ts';

/** What may stand in the place of a word that is being written. */
interface Candidates {
  readonly words: readonly { readonly word: string; readonly description: string }[];
  /** Whether the names of files may stand there. */
  readonly files: boolean;
}

const none: Candidates = { words: [], files: false };

function optionOf({ options }: CommandNode, word: string | undefined): Values | undefined {
  const values = options.find(({ flags }) => word !== undefined && flags.includes(word))?.values;
  return values?.kind === 'none' ? undefined : values;
}

/** The command that the words lead to; values of options are no commands. */
function commandOf(nodes: readonly CommandNode[], words: readonly string[]): CommandNode | undefined {
  let node = nodes.find(({ path }) => path === '');
  for (const [index, word] of words.entries()) {
    if (node === undefined || word.startsWith('-') || optionOf(node, words[index - 1]) !== undefined) continue;
    const path = `${node.path} ${word}`.trim();
    node = nodes.find((candidate) => candidate.path === path) ?? node;
  }
  return node;
}

function valuesFor(values: Values, current: string, before: string): Candidates {
  if (values.kind === 'files') return { words: [], files: true };
  if (values.kind !== 'choices') return none;
  const words = values.choices.filter((choice) => choice.startsWith(current));
  return { words: words.map((choice) => ({ word: `${before}${choice}`, description: '' })), files: false };
}

/** Completes the word behind the others, from the program's own commands and options. */
function completeWord(nodes: readonly CommandNode[], words: readonly string[], current: string): Candidates {
  const node = commandOf(nodes, words);
  if (node === undefined) return none;
  const expected = optionOf(node, words.at(-1));
  if (expected !== undefined) return valuesFor(expected, current, '');
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  const inline = optionOf(node, flag);
  if (inline !== undefined) return valuesFor(inline, value ?? '', `${flag}=`);
  const isOption = current.startsWith('-');
  if (!isOption && node.arguments.some(({ values }) => values.kind === 'files')) return { words: [], files: true };
  const choices = node.arguments.flatMap(({ name, values }) =>
    values.kind === 'choices' ? values.choices.map((word) => ({ word, description: name })) : [],
  );
  const named = [...node.subcommands.map(({ name, description }) => ({ word: name, description })), ...choices];
  const options = node.options.flatMap(({ flags, description }) => flags.map((word) => ({ word, description })));
  const fitting = isOption || named.length === 0 ? options : named;
  return { words: fitting.filter(({ word }) => word.startsWith(current)), files: false };
}

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
