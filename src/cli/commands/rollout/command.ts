import { Option, type Command } from 'commander';
import type { Io } from '../../io.ts';
import { addClusterOptions, addExamples, addExitCodes, addOutputOption, collect, readDuration } from '../../options.ts';
import type { RestartOptions, SetOptions, StatusOptions } from './options.ts';

function addSettingsOptions(command: Command): Command {
  return command
    .option('--settings <file>', "file with the injector's settings (default: its ConfigMap)")
    .option('--sidecars <path>', "file or folder with the injector's sidecars (default: its ConfigMap)", collect);
}

function durationOption(flag: string, text: string, byDefault: string): Option {
  return new Option(`${flag} <duration>`, text).argParser(readDuration).default(readDuration(byDefault), byDefault);
}

function registerRolloutStatus(rollout: Command, io: Io): void {
  const command = addSettingsOptions(addClusterOptions(rollout.command('status')))
    .description(
      'Say how many owners and pods have which variant of the built-in sidecar, by which version and settings pods were injected, and which owners have pods that would be injected otherwise now. Changes nothing.',
    )
    .option('-n, --namespace <name>', 'namespace of the pods (default: all)');
  addOutputOption(command, ['text', 'json'], 'output format: text for people, json for programs');
  addExamples(command, 'sidecar-injector rollout status', 'sidecar-injector rollout status -n shop -o json');
  addExitCodes(command, {
    fine: 'every pod is as a new one would be',
    failed: 'no answer of the cluster',
    different: 'some are not',
  });
  command.action(async (options: StatusOptions) => {
    const { runStatus } = await import('./status.ts');
    io.finish(await runStatus(options, io));
  });
}

function registerRolloutRestart(rollout: Command, io: Io): void {
  const command = addSettingsOptions(addClusterOptions(rollout.command('restart')))
    .description(
      'Restart the workloads whose pods would be injected otherwise now, through their controllers, as kubectl rollout restart does: Deployments, StatefulSets, DaemonSets and Rollouts of Argo. One after another: the next one only when all pods of the one before are new and available. Stops at the first that does not become so.',
    )
    .option('--outdated', 'required: workloads with pods that would be injected otherwise now')
    .option('-n, --namespace <name>', 'namespace of the workloads (default: all)')
    .option('--dry-run', 'say what would be restarted, and change nothing')
    .addOption(durationOption('--interval', 'how long to wait before the next workload, such as 30s or 5m', '10s'))
    .addOption(durationOption('--timeout', 'how long one workload may take until it is available again', '10m'));
  addExamples(
    command,
    'sidecar-injector rollout restart --outdated --dry-run',
    'sidecar-injector rollout restart --outdated -n shop --interval 2m',
  );
  addExitCodes(command, {
    fine: 'all are restarted',
    failed: 'one did not become available or the cluster did not answer',
    different: 'some were left alone, or with --dry-run some would be restarted',
  });
  command.action(async (options: RestartOptions) => {
    const { runRestart } = await import('./restart-run.ts');
    io.finish(await runRestart(options, io));
  });
}

function registerRolloutSet(rollout: Command, io: Io): void {
  const command = addClusterOptions(rollout.command('set <variant> <percent>'))
    .description(
      "Change the share of a variant in the settings of the cluster's injector, that is in its ConfigMap; 0 takes a rollout back. Pods that run are not touched. If the settings are kept in Git, change them there: what is written here would be undone.",
    )
    .option('--dry-run', 'show the change, and make none');
  addExamples(command, 'sidecar-injector rollout set v1-41 25', 'sidecar-injector rollout set v1-41 0');
  command.action(async (variant: string, percent: string, options: SetOptions) => {
    const { runSet } = await import('./set.ts');
    io.finish(await runSet(variant, percent, options, io));
  });
}

/** `rollout`: shows and steers how a version of the built-in sidecar reaches the pods. */
export function registerRollout(program: Command, io: Io): void {
  const rollout = program
    .command('rollout')
    .description('Show and steer how a version of the built-in sidecar reaches the pods of a cluster.');
  registerRolloutStatus(rollout, io);
  registerRolloutRestart(rollout, io);
  registerRolloutSet(rollout, io);
}
