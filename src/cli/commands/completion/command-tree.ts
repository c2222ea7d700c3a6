import type { Argument, Command, Option } from 'commander';

/** The values that an option or argument takes. */
export type Values =
  | { readonly kind: 'none' }
  | { readonly kind: 'files' }
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'text' };

export interface CommandOption {
  /** Such as `-f` and `--filename`. */
  readonly flags: readonly string[];
  readonly description: string;
  readonly values: Values;
}

/** One command, as its help describes it. */
export interface CommandNode {
  /** Names from the program to the command, such as `certs generate`. Empty for the program itself. */
  readonly path: string;
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CommandOption[];
  /** Lines of the help's examples. */
  readonly examples: readonly string[];
  /** Such as `0 no differences, …`, if the help tells the exit codes of this command. */
  readonly exitCodes: string | undefined;
  readonly arguments: readonly { readonly name: string; readonly values: Values }[];
}

const fileNames = /^(?:[a-z-]*file|[a-z-]*dir|folder|path)$/i;

function valuesNamed(name: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'choices', choices };
  return fileNames.test(name) ? { kind: 'files' } : { kind: 'text' };
}

function valuesOf(option: Option): Values {
  if (!option.required && !option.optional) return { kind: 'none' };
  return valuesNamed(/<(.+)>/.exec(option.flags)?.[1] ?? '', option.argChoices);
}

function argumentOf(argument: Argument): CommandNode['arguments'][number] {
  return { name: argument.name(), values: valuesNamed(argument.name(), argument.argChoices) };
}

function helpOf(command: Command): string {
  const before = command.configureOutput();
  let help = '';
  command.configureOutput({ writeOut: (text) => void (help += text) });
  command.outputHelp();
  command.configureOutput(before);
  return help;
}

/** The examples after the options in a help text. */
function examplesIn(text: string): string[] {
  const [, examples = ''] = text.split(/^Examples?:$/m);
  return examples
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());
}

function defaultText(option: Option): string {
  const value: unknown = option.defaultValueDescription ?? option.defaultValue;
  return value === undefined ? '' : ` (default: ${typeof value === 'string' ? value : JSON.stringify(value)})`;
}

function nodeOf(command: Command, path: string): CommandNode {
  const help = command.createHelp();
  const text = helpOf(command);
  return {
    path,
    description: command.description(),
    subcommands: help
      .visibleCommands(command)
      .map((sub) => ({ name: sub.name(), description: sub.description() || 'Show the help of a command.' })),
    options: help.visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag != null),
      description: `${option.description}${defaultText(option)}`,
      values: valuesOf(option),
    })),
    examples: examplesIn(text),
    exitCodes: /^Exit codes: (.+)$/m.exec(text)?.[1],
    arguments: command.registeredArguments.map(argumentOf),
  };
}

/** The program and all its commands, parents before children. */
export function commandTree(program: Command): CommandNode[] {
  const visit = (command: Command, path: string): CommandNode[] => [
    nodeOf(command, path),
    ...command.commands.flatMap((sub) => visit(sub, `${path} ${sub.name()}`.trim())),
  ];
  return visit(program, '');
}
