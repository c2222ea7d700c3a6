import type { Command } from 'commander';
import { exitCodes, type Io } from '../../io.ts';
import { commandTree, type CommandNode, type Values } from './command-tree.ts';

/** Possible completions of the current word. */
interface Candidates {
  readonly words: readonly { readonly word: string; readonly description: string }[];
  /** Whether file names are possible too. */
  readonly files: boolean;
}

const none: Candidates = { words: [], files: false };

function optionOf({ options }: CommandNode, word: string | undefined): Values | undefined {
  const values = options.find(({ flags }) => word !== undefined && flags.includes(word))?.values;
  return values?.kind === 'none' ? undefined : values;
}

/** Finds the command that the words name. Values of options are skipped. */
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

/** Completes the current word, which follows the others, from the program's commands and options. */
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

/** What the shell does in addition (ShellCompDirective of Cobra, the library of kubectl). */
const directives = { files: 0, nothing: 4 } as const;

/**
 * Answers `__complete`, the protocol of Cobra: one candidate per line, with a tab before its description, and a last
 * line with the directive. Our own scripts call it, and kubectl through `kubectl_complete-NAME`. The last word is the
 * one to complete.
 */
export function answerCompletion(program: Command, words: readonly string[], io: Io): void {
  const found = completeWord(commandTree(program), words.slice(0, -1), words.at(-1) ?? '');
  const lines = found.words.map(({ word, description }) => (description === '' ? word : `${word}\t${description}`));
  io.stdout(`${[...lines, `:${found.files ? directives.files : directives.nothing}`].join('\n')}\n`);
  io.finish(exitCodes.fine);
}
