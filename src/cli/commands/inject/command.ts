import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import {
  addEngineOptions,
  addExamples,
  addFilenameOption,
  addIstioOptions,
  addOutputOption,
  addPodTemplateOption,
  addVerboseOption,
} from '../../options.ts';
import type { InjectOptions } from './options.ts';

/** `inject`: adds the sidecar to manifests. */
export function registerInject(program: Command, io: Io): void {
  const command = program
    .command('inject')
    .description(
      'Inject the sidecar into the workloads of manifests, as the webhook would into their pods. Needs no cluster.',
    );
  addFilenameOption(command);
  addOutputOption(
    command,
    ['yaml', 'json', 'patch', 'diff', 'unified'],
    'output format: yaml keeps formatting and comments; patch is one JSON Patch per line; diff lists the changes by container and field; unified is a text diff',
  );
  command
    .addOption(
      command
        .createOption(
          '--check',
          'write no manifests; list the objects that would change or are outdated, and exit with 3 if there are any',
        )
        .conflicts('output'),
    )
    .addOption(
      command
        .createOption(
          '--summary',
          'write no manifests; print a table with the decision (inject, skip, deny, or pass for objects without a known pod template), its reason, and added CPU and memory for each object',
        )
        .conflicts('output'),
    );
  command.option(
    '--refresh',
    'render anew what was injected before with other settings or annotations or by another version, as uninject and inject would',
  );
  addEngineOptions(command);
  addIstioOptions(command);
  addPodTemplateOption(command);
  addVerboseOption(command);
  addExamples(
    command,
    'sidecar-injector inject -f deploy/ | kubectl apply -f -',
    'kustomize build . | sidecar-injector inject -f - --namespace shop',
    'sidecar-injector inject -f web.yaml -o diff',
    'sidecar-injector inject -f deploy/ --check || echo "not injected yet"',
    'sidecar-injector inject -f deploy/ --summary',
    'sidecar-injector inject -f injected.yaml --refresh > refreshed.yaml',
  );
  const kinds =
    'Pod templates of many kinds are known, such as Deployment, Rollout, RayCluster, PyTorchJob and JobSet.';
  command.addHelpText('after', `\n${kinds}\ndocs/command-line.md lists them all; --pod-template adds others.`);
  command.action(async (options: InjectOptions) => {
    const { runInject } = await import('./run.ts');
    io.finish(await runInject(options, io));
  });
}
