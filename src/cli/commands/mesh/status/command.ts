import type { Command } from 'commander';
import type { Io } from '../../../io.ts';
import { addClusterOptions, addExamples, addExitCodes, addOutputOption } from '../../../options.ts';
import type { StatusOptions } from './options.ts';

/** `mesh status`: says how the control plane is, and who calls pods of the mesh in plain text. */
export function registerStatus(mesh: Command, io: Io): void {
  const command = mesh
    .command('status')
    .description(
      "Say how many proxies the control plane's replicas have and how far they are, and which clients call pods of the mesh in plain text, as the proxies of these pods have counted. Replicas and proxies are asked through the API server, which takes the right to get pods/proxy. Changes nothing.",
    );
  addClusterOptions(command)
    .option('-n, --namespace <name>', 'namespace of the pods that are called (default: all)')
    .option('--control-plane-namespace <name>', 'namespace of the control plane', 'sidecar-injector-system')
    .option('--service <name>', 'Service by which proxies reach the control plane', 'sidecar-injector-mesh')
    .option('--root-namespace <name>', 'namespace whose rules count for all others', 'istio-system');
  addOutputOption(command, ['text', 'json'], 'output format: text for people, json for programs');
  addExamples(command, 'sidecar-injector mesh status', 'sidecar-injector mesh status -n shop -o json');
  addExitCodes(command, {
    fine: 'nobody calls in plain text',
    failed: 'no answer of the cluster',
    different: 'somebody does, or some replica or proxy did not say',
  });
  command.action(async (options: StatusOptions) => {
    const { runStatus } = await import('./run.ts');
    io.finish(await runStatus(options, io));
  });
}
