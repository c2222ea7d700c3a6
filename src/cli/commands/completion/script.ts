import type { Command } from 'commander';
import { commandTree, type CommandNode, type Values } from './command-tree.ts';

/** For single quotes of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function functionName(program: Command): string {
  return `_${program.name().replaceAll('-', '_')}`;
}

/** Lines of a `case` on "command:option", one for every option that takes a value. */
function valueCases(nodes: readonly CommandNode[], completed: (values: Values) => string): string[] {
  return nodes.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values.kind !== 'none')
      .map(({ flags, values }) => {
        const patterns = flags.map((flag) => quoted(`${path}:${flag}`)).join('|');
        return `    ${patterns}) ${completed(values)} ;;`;
      }),
  );
}

/** Shell code that finds in `words` which command is being written, and skips the values of options. */
function commandSearch(nodes: readonly CommandNode[], first: number, current: string): string[] {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  const withValue = nodes.flatMap(({ options }) =>
    options.filter(({ values }) => values.kind !== 'none').flatMap(({ flags }) => flags),
  );
  return [
    `  for ((i = ${first}; i < ${current}; i++)); do`,
    '    word=${words[i]}',
    '    case $word in',
    `      ${[...new Set(withValue)].map(quoted).join('|')}) ((i++)) ;;`,
    '      -*) ;;',
    '      *)',
    '        case "${command:+$command }$word" in',
    `          ${paths.join('|')}) command="\${command:+$command }$word" ;;`,
    '        esac ;;',
    '    esac',
    '  done',
  ];
}

function wordsOf({ subcommands, options, arguments: list }: CommandNode): string[] {
  const values = list.flatMap((argument) => (argument.values.kind === 'choices' ? argument.values.choices : []));
  return [...subcommands.map(({ name }) => name), ...values, ...options.flatMap(({ flags }) => flags)];
}

/** Completion for bash 4 and later, from the program's own commands and options. */
export function bashScript(program: Command): string {
  const nodes = commandTree(program);
  const name = functionName(program);
  const complete = (values: Values): string => {
    if (values.kind === 'files') return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return';
    if (values.kind === 'choices')
      return `COMPREPLY=($(compgen -W ${quoted(values.choices.join(' '))} -- "$cur")); return`;
    return 'return';
  };
  return `${[
    `# Completion of ${program.name()} for bash; written by: ${program.name()} completion bash`,
    `${name}() {`,
    '  local cur=$2 prev=$3 command="" word i candidates=""',
    '  local words=("${COMP_WORDS[@]}")',
    '  # "=" is a word of its own in bash: --output=yaml are three.',
    '  if [[ $cur == = ]]; then cur=""; fi',
    '  if [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi',
    ...commandSearch(nodes, 1, 'COMP_CWORD'),
    '  case "$command:$prev" in',
    ...valueCases(nodes, complete),
    '  esac',
    '  case $command in',
    ...nodes.map((node) => `    ${quoted(node.path)}) candidates=${quoted(wordsOf(node).join(' '))} ;;`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$candidates" -- "$cur"))',
    '}',
    `complete -F ${name} ${program.name()}`,
  ].join('\n')}\n`;
}

/** A candidate with its description, as `_describe` takes it: colons of the candidate are escaped. */
function described(candidate: string, description: string): string {
  return quoted(`${candidate.replaceAll(':', String.raw`\:`)}:${description}`);
}

/** Completion for zsh with descriptions, from the program's own commands and options. */
export function zshScript(program: Command): string {
  const nodes = commandTree(program);
  const name = functionName(program);
  const complete = (values: Values): string => {
    if (values.kind === 'files') return '_files; return';
    if (values.kind === 'choices') return `compadd -- ${values.choices.map(quoted).join(' ')}; return`;
    return 'return';
  };
  const candidates = nodes.map((node) => {
    const commands = node.subcommands.map((sub) => described(sub.name, sub.description));
    const values = node.arguments.flatMap((argument) =>
      argument.values.kind === 'choices'
        ? argument.values.choices.map((choice) => described(choice, argument.name))
        : [],
    );
    const options = node.options.flatMap((option) => option.flags.map((flag) => described(flag, option.description)));
    return [
      `    ${quoted(node.path)})`,
      `      commands=(${[...commands, ...values].join(' ')})`,
      `      options=(${options.join(' ')}) ;;`,
    ].join('\n');
  });
  return `${[
    `#compdef ${program.name()}`,
    `# Completion of ${program.name()} for zsh; written by: ${program.name()} completion zsh`,
    `${name}() {`,
    '  local command="" word prev=${words[CURRENT-1]}',
    '  local -a commands options',
    '  local -i i',
    '  # --output=yaml: complete behind the sign.',
    '  if compset -P "--*="; then prev=${IPREFIX%=}; fi',
    ...commandSearch(nodes, 2, 'CURRENT'),
    '  case "$command:$prev" in',
    ...valueCases(nodes, complete),
    '  esac',
    '  case $command in',
    ...candidates,
    '  esac',
    "  if [[ $PREFIX != -* ]] && (( $#commands )); then _describe 'command' commands; return; fi",
    "  _describe -o 'option' options",
    '}',
    `if [[ $funcstack[1] == _${program.name()} ]]; then`,
    `  ${name} "$@"`,
    'else',
    `  compdef ${name} ${program.name()}`,
    'fi',
  ].join('\n')}\n`;
}
