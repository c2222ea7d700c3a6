import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import {
  addEngineOptions,
  addExamples,
  addFilenameOption,
  addIstioOptions,
  addOutputOption,
  addPodTemplateOption,
} from '../../options.ts';
import type { InjectOptions } from './options.ts';

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
    ['yaml', 'json', 'patch', 'diff', 'unified'],
    'yaml keeps notation and comments; patch is a JSON Patch a line; diff says what changes by container and field, unified as text',
  );
  command
    .addOption(
      command
        .createOption('--check', 'write no manifests, only name what would change; exit code 3')
        .conflicts('output'),
    )
    .addOption(
      command
        .createOption('--summary', 'write no manifests, only a table: object, decision, reason, CPU and memory added')
        .conflicts('output'),
    );
  addEngineOptions(command);
  addIstioOptions(command);
  addPodTemplateOption(command);
  addExamples(
    command,
    'sidecar-injector inject -f deploy/ | kubectl apply -f -',
    'kustomize build . | sidecar-injector inject -f - --namespace shop',
    'sidecar-injector inject -f web.yaml -o diff',
    'sidecar-injector inject -f deploy/ --check || echo "not injected yet"',
    'sidecar-injector inject -f deploy/ --summary',
  );
  command.action(async (options: InjectOptions) => {
    const { runInject } = await import('./run.ts');
    io.finish(await runInject(options, io));
  });
}
