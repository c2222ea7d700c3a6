import type { Command } from 'commander';
import type { Io } from '../../io.ts';
import {
  addClusterOptions,
  addExamples,
  addExitCodes,
  addFilenameOption,
  addOutputOption,
  addPodTemplateOption,
  collect,
} from '../../options.ts';
import type { DiffOptions } from './options.ts';

/** `diff`: compares what the webhook of a cluster does with what settings say. */
export function registerDiff(program: Command, io: Io): void {
  const command = program
    .command('diff')
    .description(
      "Ask the cluster's webhook, by server dry-run, what it makes of the pods of manifests, and compare it with what settings and sidecars make of them here. Stores nothing.",
    );
  addFilenameOption(command);
  addOutputOption(command, ['text', 'json'], 'output format: text for people, json for programs');
  addClusterOptions(command)
    .option(
      '--settings <file>',
      "file with the InjectorConfiguration to compare with (default: the cluster's ConfigMap)",
    )
    .option(
      '--sidecars <path>',
      "file, folder or folder of folders with SidecarTemplate objects to compare with; can be repeated (default: the cluster's ConfigMap)",
      collect,
    )
    .option('-n, --namespace <name>', 'namespace of objects that do not name one (default: "default")');
  addPodTemplateOption(command);
  addExamples(
    command,
    'sidecar-injector diff -f web.yaml',
    'sidecar-injector diff -f deploy/ --settings next-settings.yaml',
  );
  addExitCodes(command, {
    fine: 'no differences',
    failed: 'invalid input or no answer of the cluster',
    different: 'differences',
  });
  command.action(async (options: DiffOptions) => {
    const { runDiff } = await import('./run.ts');
    io.finish(await runDiff(options, io));
  });
}
