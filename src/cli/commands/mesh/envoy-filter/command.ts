import type { Command } from 'commander';
import type { Io } from '../../../io.ts';
import { addExamples, addExitCodes, addFilenameOption } from '../../../options.ts';
import type { EnvoyFilterOptions } from './options.ts';

/** `mesh envoy-filter`: prints RateLimits as objects of Istio that mean the same. */
export function registerEnvoyFilter(mesh: Command, io: Io): void {
  const command = mesh
    .command('envoy-filter')
    .description('Print each RateLimit as an EnvoyFilter of the same meaning, for clusters with istiod.');
  addFilenameOption(command);
  command.option('-n, --namespace <name>', 'namespace of objects in files that do not name one (default: "default")');
  addExamples(command, 'sidecar-injector mesh envoy-filter -f rate-limits.yaml | kubectl apply -f -');
  addExitCodes(command, { fine: 'all printed', failed: 'invalid input', different: 'a RateLimit is refused' });
  command.action(async (options: EnvoyFilterOptions) => {
    const { runEnvoyFilter } = await import('./run.ts');
    io.finish(await runEnvoyFilter(options, io));
  });
}
