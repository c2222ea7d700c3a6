import { InvalidArgumentError, type Command } from 'commander';

/** Options of every command that reads manifests. */
export interface ManifestOptions {
  readonly filename?: readonly string[];
  readonly podTemplate?: readonly string[];
}

/** Options by which the engine decides as a certain server in a certain cluster would. */
export interface EngineOptions {
  readonly settings?: string;
  readonly sidecars?: readonly string[];
  readonly namespace?: string;
  readonly namespaceLabels?: string;
  readonly namespaceAnnotations?: readonly string[];
  readonly nativeSidecars?: 'true' | 'false';
  readonly istioValues?: readonly string[];
  readonly istioMeshConfig?: readonly string[];
  readonly istioSet?: readonly string[];
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
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
    .option('--sidecars <path>', 'file or folder with SidecarTemplate objects; repeatable (default: none)', collect)
    .option('-n, --namespace <name>', 'namespace of objects that name none (default: "default")')
    .option('--namespace-labels <k=v,...>', "the namespace's labels (default: it counts as enabled)")
    .option('--namespace-annotations <k=v>', "an annotation of the namespace, as OpenShift's; repeatable", collect);
  command.addOption(
    command
      .createOption('--native-sidecars <true|false>', 'whether the proxy is a native sidecar (default: the settings)')
      .choices(['true', 'false']),
  );
}

/** Istio's own settings; any of them means the mode istiod. */
export function addIstioOptions(command: Command): void {
  command
    .option(
      '--istio-values <file>',
      "Istio's Helm values, an IstioOperator or the ConfigMap istio-sidecar-injector; repeatable",
      collect,
    )
    .option('--istio-mesh-config <file>', "Istio's mesh configuration or the ConfigMap istio; repeatable", collect)
    .option('--istio-set <path=value>', 'one setting, such as values.global.tag=1.28.0; repeatable', collect);
}

export function addOutputOption(command: Command, choices: readonly [string, ...string[]], text: string): void {
  const option = command.createOption('-o, --output <format>', text).choices(choices).default(choices[0]);
  // Istio's kube-inject has the name of a file there.
  option.argParser((value: string) => {
    if (choices.includes(value)) return value;
    const file = /[./]/.test(value) ? `; for a file write: > ${value}` : '';
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}${file}`);
  });
  command.addOption(option);
}

/** A block of examples at the end of the help text. */
export function addExamples(command: Command, ...examples: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}\n`).join('')}`);
}
