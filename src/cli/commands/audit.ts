import type { Command } from 'commander';
import { evictable, type Evictable } from '../../audit/finding.ts';
import { isLogLevel, logLevels } from '../../telemetry/level.ts';
import { report, usageFailure, type Failure, type Io } from '../io.ts';
import { addExamples, addProfilingOption, collect, invalidLogLevel, listenAddress } from '../options.ts';
import { runUntilSignal } from '../running-server.ts';

interface AuditFlags {
  readonly metricsListen: string;
  readonly healthListen: string;
  readonly settings?: string;
  readonly sidecars?: readonly string[];
  readonly meshRoots?: string;
  readonly profiling?: true;
  readonly kubeconfig?: string;
  readonly namespace: string;
  readonly lease: string;
  readonly evict?: string;
  readonly evictEvery: string;
  readonly logLevel: string;
}

/** Port in the examples of addresses. */
const port = 9090;

function findingsOf(text: string | undefined): readonly Evictable[] | Failure {
  const names = text?.split(',') ?? [];
  const known = evictable.filter((one) => names.includes(one));
  const unknown = names.find((name) => !evictable.some((one) => one === name));
  if (unknown === undefined) return known;
  return usageFailure(
    `--evict: "${unknown}" is nothing for which pods are evicted`,
    `give ${evictable.join(', ')}, or both with a comma`,
  );
}

/** `audit`: looks for pods that are not as they would be if they were created now, until SIGTERM or SIGINT. */
async function runAudit(flags: AuditFlags, io: Io): Promise<number> {
  const metricsListen = listenAddress('--metrics-listen', flags.metricsListen, port);
  if ('problems' in metricsListen) return report(metricsListen, io);
  const healthListen = listenAddress('--health-listen', flags.healthListen, port);
  if ('problems' in healthListen) return report(healthListen, io);
  const evict = findingsOf(flags.evict);
  if ('problems' in evict) return report(evict, io);
  if (!/^[1-9]\d{0,4}$/.test(flags.evictEvery)) {
    return report(
      usageFailure(`--evict-every: "${flags.evictEvery}" is not a number of seconds`, 'give 1 to 99999'),
      io,
    );
  }
  if (!isLogLevel(flags.logLevel)) return report(invalidLogLevel(flags.logLevel), io);
  const { settings, sidecars, kubeconfig, namespace, lease } = flags;
  const meshRoots = flags.meshRoots === undefined ? undefined : { file: flags.meshRoots, mayBeMissing: true };
  const evictEveryMs = Number(flags.evictEvery) * 1_000;
  return runUntilSignal(flags.logLevel, io, async (log) => {
    const { audit } = await import('../../runtime/audit.ts');
    return audit(
      {
        metricsListen,
        healthListen,
        profiling: flags.profiling === true,
        settings,
        sidecars,
        meshRoots,
        kubeconfig,
        namespace,
        lease,
        evict,
        evictEveryMs,
      },
      log,
    );
  });
}

export function registerAudit(program: Command, io: Io): void {
  const command = program
    .command('audit')
    .description(
      'Look at all pods of the cluster until SIGTERM or SIGINT, and say by metrics and Events which are not as they would be if they were created now.',
    )
    .option('--metrics-listen <address>', 'address to serve /metrics on, over plain HTTP', ':9090')
    .option('--health-listen <address>', 'address to serve /livez and /readyz on, over plain HTTP', ':8081')
    .option(
      '--settings <file>',
      'file with the InjectorConfiguration of the webhook; reloaded when it changes (default: the built-in settings)',
    )
    .option(
      '--sidecars <path>',
      'file, folder or folder of folders with SidecarTemplate objects of the webhook; reloaded when it changes; can be repeated (default: none)',
      collect,
    )
    .option(
      '--mesh-roots <file>',
      "file with the root certificates of the mesh's control plane, which may come later; reloaded when it changes (default: none)",
    )
    .option('--kubeconfig <file>', 'kubeconfig file for reaching the API server from outside the cluster')
    .option('--namespace <name>', 'namespace of the Lease', 'sidecar-injector-system')
    .option('--lease <name>', 'Lease by which replicas elect the one that acts', 'sidecar-injector-auditor')
    .option(
      '--evict <findings>',
      `evict pods so that their controllers make new ones: ${evictable.join(', ')} (default: only report)`,
    )
    .option('--evict-every <seconds>', 'least time between two evictions, in seconds', '30')
    .option('--log-level <level>', `lowest level to log: ${logLevels.join(', ')}`, 'info');
  addProfilingOption(command);
  addExamples(
    command,
    'sidecar-injector audit --settings /etc/sidecar-injector/settings/settings.yaml',
    'sidecar-injector audit --evict missed,uncaptured --evict-every 60',
  );
  command.action(async (flags: AuditFlags) => io.finish(await runAudit(flags, io)));
}
