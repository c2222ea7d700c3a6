import { InvalidArgumentError, type Command } from 'commander';
import { visible } from '../grammar/visible.ts';
import { readAddress, type Address } from '../runtime/address.ts';
import { logLevels } from '../telemetry/level.ts';
import { exitCodes, usageFailure, type Failure } from './io.ts';

/** Options of every command that reads manifests. */
export interface ManifestOptions {
  readonly filename?: readonly string[];
  readonly podTemplate?: readonly string[];
}

/** Options that make the engine decide as a particular server in a particular cluster would. */
export interface EngineOptions {
  readonly settings?: string;
  readonly sidecars?: readonly string[];
  readonly meshRoots?: string;
  readonly namespace?: string;
  readonly namespaceLabels?: string;
  readonly namespaceAnnotations?: readonly string[];
  readonly nativeSidecars?: 'true' | 'false';
  readonly istioValues?: readonly string[];
  readonly istioMeshConfig?: readonly string[];
  readonly istioSet?: readonly string[];
}

/** Options of every command that asks a cluster. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Adds the options that say which cluster, and as whom. */
export function addClusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig file for reaching the cluster (default: as kubectl does)')
    .option('--context <name>', 'context of the kubeconfig (default: the current one)');
}

/** Collects the values of an option that can be repeated. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds `-f`. A file without it, as other programs and wildcards of a shell give them, is refused with what to write. */
export function addFilenameOption(command: Command): void {
  const text = 'file, folder (searched recursively for .yaml, .yml and .json) or - for standard input; can be repeated';
  command.option('-f, --filename <path>', text, collect).allowExcessArguments();
  command.hook('preAction', (_, { args }) => {
    if (args.length === 0) return;
    const files = args.slice(0, 3).map((file) => `-f ${visible(file)}`);
    const use = `${files.join(' ')}${args.length > files.length ? ' ...' : ''}`;
    const folder = args.length > 1 ? ', or name their folder' : '';
    command.error(`error: too many arguments for '${command.name()}': use ${use}${folder}`, {
      code: 'commander.excessArguments',
      exitCode: exitCodes.usage,
    });
  });
}

export function addPodTemplateOption(command: Command): void {
  const text =
    'kind and the path of its pod template, where * stands for any item or member, such as Train.example.com=/spec/cars/*/template; can be repeated, and the paths of a kind take the place of those that are known (see docs/command-line.md)';
  command.option('--pod-template <kind=path>', text, collect);
}

export function addEngineOptions(command: Command): void {
  command
    .option('--settings <file>', 'file with the InjectorConfiguration to use (default: the built-in settings)')
    .option(
      '--sidecars <path>',
      'file, folder or folder of folders with SidecarTemplate objects to use; can be repeated (default: none)',
      collect,
    )
    .option(
      '--mesh-roots <file>',
      "file with the root certificates of the mesh's control plane, for mode mesh (default: none)",
    )
    .option('-n, --namespace <name>', 'namespace of objects that do not name one (default: "default")')
    .option(
      '--namespace-labels <k=v,...>',
      'labels of the namespace (default: the namespace counts as enabled for injection)',
    )
    .option(
      '--namespace-annotations <k=v>',
      'annotation of the namespace, such as one that OpenShift sets; can be repeated',
      collect,
    );
  command.addOption(
    command
      .createOption(
        '--native-sidecars <true|false>',
        'whether to inject the proxy as a native sidecar (default: as in the settings)',
      )
      .choices(['true', 'false']),
  );
}

/** Adds options for Istio's own settings. Any of them selects the mode istiod. */
export function addIstioOptions(command: Command): void {
  command
    .option(
      '--istio-values <file>',
      "file with Istio's Helm values, an IstioOperator or the ConfigMap istio-sidecar-injector; can be repeated",
      collect,
    )
    .option(
      '--istio-mesh-config <file>',
      "file with Istio's mesh configuration or the ConfigMap istio; can be repeated",
      collect,
    )
    .option(
      '--istio-set <path=value>',
      "one of Istio's settings, such as values.global.tag=1.28.0; can be repeated",
      collect,
    );
}

export function addOutputOption(command: Command, choices: readonly [string, ...string[]], text: string): void {
  const option = command.createOption('-o, --output <format>', text).choices(choices).default(choices[0]);
  // Istio's kube-inject takes the name of a file for -o.
  option.argParser((value: string) => {
    if (choices.includes(value)) return value;
    const file = /[./]/.test(value) ? `; for a file write: > ${value}` : '';
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}${file}`);
  });
  command.addOption(option);
}

export function addVerboseOption(command: Command): void {
  command.option('-v, --verbose', 'tell about every object on standard error, not only warnings and a summary');
}

const milliseconds = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Reads `90s`, `2m` or `1h` as milliseconds. */
export function readDuration(text: string): number {
  const match = /^(\d{1,5})([smh])$/.exec(text);
  const unit = match?.[2] as keyof typeof milliseconds | undefined;
  if (unit === undefined) throw new InvalidArgumentError('Write a number and a unit, such as 90s, 5m or 1h.');
  return Number(match?.[1]) * milliseconds[unit];
}

/** Appends a block of examples to the help text. */
export function addExamples(command: Command, ...examples: readonly string[]): void {
  const title = examples.length === 1 ? 'Example' : 'Examples';
  command.addHelpText('after', `\n${title}:\n${examples.map((example) => `  ${example}`).join('\n')}`);
}

/** What a command's exit codes mean. Without `different` it never ends with 3. */
export interface ExitMeanings {
  readonly fine: string;
  readonly failed: string;
  readonly different?: string;
}

/** Appends the exit codes to the help text, for a command with others than the program's help tells. */
export function addExitCodes(command: Command, { fine, failed, different }: ExitMeanings): void {
  const codes = [
    `${exitCodes.fine} ${fine}`,
    `${exitCodes.failed} ${failed}`,
    `${exitCodes.usage} invalid usage`,
    ...(different === undefined ? [] : [`${exitCodes.different} ${different}`]),
  ];
  command.addHelpText('after', `\nExit codes: ${codes.join(', ')}.`);
}

/** Reads an address to listen on. `port` stands in the examples of the hint. */
export function listenAddress(flag: string, text: string, port: number): Address | Failure {
  return (
    readAddress(text) ??
    usageFailure(`${flag}: "${text}" is not an address`, `write :${port}, 127.0.0.1:${port} or [::1]:${port}`)
  );
}

/** Adds `--profiling`, for programs that serve. */
export function addProfilingOption(command: Command): Command {
  return command.option(
    '--profiling',
    'serve /debug/profile/cpu and /debug/profile/heap beside /metrics: profiles of this process, for whoever reaches that port',
  );
}

/** Returns the problem of a `--log-level` that is none. */
export function invalidLogLevel(text: string): Failure {
  return usageFailure(`--log-level: "${text}" is not a level`, `give one of ${logLevels.join(', ')}`);
}
