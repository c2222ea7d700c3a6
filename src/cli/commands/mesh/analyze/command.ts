import type { Command } from 'commander';
import type { Io } from '../../../io.ts';
import { addClusterOptions, addExamples, addExitCodes, addFilenameOption, addOutputOption } from '../../../options.ts';
import type { AnalyzeOptions } from './options.ts';

/** `mesh analyze`: says of each traffic rule what is wrong with it, or why it has no effect. */
export function registerAnalyze(mesh: Command, io: Io): void {
  const command = mesh
    .command('analyze')
    .description(
      'Say of each VirtualService, DestinationRule, HTTPRoute, GRPCRoute, PeerAuthentication, AuthorizationPolicy and RateLimit what is refused, what has no effect and why, and which objects of Istio this mesh does not read. Pods that files have or make are taken as injected in mode mesh. Changes nothing.',
    );
  addFilenameOption(command);
  command.option('--live', 'look at what is in the cluster; with -f, at what it would be once the files are applied');
  addClusterOptions(command)
    .option('-n, --namespace <name>', 'namespace of objects in files that do not name one (default: "default")')
    .option('--cluster-domain <name>', 'DNS domain of the cluster', 'cluster.local')
    .option('--root-namespace <name>', 'namespace whose rules count for all others', 'istio-system');
  addOutputOption(command, ['text', 'json'], 'format of what is found');
  addExamples(
    command,
    'sidecar-injector mesh analyze -f manifests/',
    'sidecar-injector mesh analyze --live',
    'sidecar-injector mesh analyze --live -f new-route.yaml',
  );
  addExitCodes(command, {
    fine: 'nothing but warnings',
    failed: 'invalid input or no answer of the cluster',
    different: 'something is refused or has no effect',
  });
  command.action(async (options: AnalyzeOptions) => {
    const { runAnalyze } = await import('./run.ts');
    io.finish(await runAnalyze(options, io));
  });
}
