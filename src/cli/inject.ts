import type { Io } from './io.ts';
import {
  addEngineOptions,
  addExamples,
  addFilenameOption,
  addIstioOptions,
  addOutputOption,
  addPodTemplateOption,
  type EngineOptions,
  type ManifestOptions,
} from './options.ts';
import type { OutputFormat } from './output.ts';
import type { Command } from './program.ts';

export interface InjectOptions extends ManifestOptions, EngineOptions {
  readonly output: OutputFormat;
}

/** `inject`: manifests in, the same manifests with the sidecar out. */
export function registerInject(program: Command, io: Io): void {
  const command = program
    .command('inject')
    .description(
      'Add the sidecar to the workloads of manifests, as the webhook would to their pods. Needs no cluster.',
    );
  addFilenameOption(command);
  addOutputOption(
    command,
    ['yaml', 'json', 'patch', 'diff'],
    'yaml keeps notation and comments; patch prints a line per object',
  );
  addEngineOptions(command);
  addIstioOptions(command);
  addPodTemplateOption(command);
  addExamples(
    command,
    'sidecar-injector inject -f deploy/ | kubectl apply -f -',
    'kustomize build . | sidecar-injector inject -f - --namespace shop',
    'sidecar-injector inject -f web.yaml -o diff',
  );
  command.action(async (options: InjectOptions) => {
    const { runInject } = await import('./injection.ts');
    io.finish(await runInject(options, io));
  });
}
