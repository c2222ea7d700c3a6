import type { Command } from './program.ts';

/** Options of every command that reads manifests. */
export interface ManifestOptions {
  readonly filename?: readonly string[];
  readonly podTemplate?: readonly string[];
}

/** Options by which the engine decides as a certain server in a certain cluster would. */
export interface EngineOptions {
  readonly settings?: string;
  readonly sidecars?: string;
  readonly namespace?: string;
  readonly namespaceLabels?: string;
}

/** For options that may be given several times. */
function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export function addFilenameOption(command: Command): void {
  const text = 'file, folder (recursively: .yaml, .yml, .json) or - for standard input; repeatable';
  command.option('-f, --filename <path>', text, collect);
}

export function addPodTemplateOption(command: Command): void {
  const text = 'a further kind with a pod template, such as Service.serving.knative.dev=/spec/template; repeatable';
  command.option('--pod-template <kind=path>', text, collect);
}

export function addEngineOptions(command: Command): void {
  command
    .option('--settings <file>', 'InjectorConfiguration to decide by (default: the built-in settings)')
    .option('--sidecars <folder>', 'folder with SidecarTemplate files (default: none)')
    .option('-n, --namespace <name>', 'namespace of objects that name none (default: "default")')
    .option('--namespace-labels <k=v,...>', "the namespace's labels (default: it counts as enabled)");
}

export function addOutputOption(command: Command, choices: readonly [string, ...string[]], text: string): void {
  command.addOption(command.createOption('-o, --output <format>', text).choices(choices).default(choices[0]));
}

/** A block of examples at the end of the help text. */
export function addExamples(command: Command, ...examples: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}\n`).join('')}`);
}
