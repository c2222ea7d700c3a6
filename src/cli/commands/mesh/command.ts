import type { Command } from 'commander';
import { isLogLevel, logLevels } from '../../../telemetry/level.ts';
import { report, usageFailure, type Io } from '../../io.ts';
import { addExamples, addProfilingOption, invalidLogLevel, listenAddress } from '../../options.ts';
import { runUntilSignal } from '../../running-server.ts';
import { registerAnalyze } from './analyze/command.ts';
import { registerEnvoyFilter } from './envoy-filter/command.ts';
import { registerExplainCall } from './explain/command.ts';
import { registerStatus } from './status/command.ts';

interface MeshFlags {
  readonly listen: string;
  readonly rulesListen: string;
  readonly metricsListen: string;
  readonly healthListen: string;
  readonly profiling?: true;
  readonly kubeconfig?: string;
  readonly namespace: string;
  readonly service: string;
  readonly clusterDomain: string;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly audience: string;
  readonly maxStreams: string;
  readonly logLevel: string;
}

/** Port in the examples of addresses. */
const port = 15_012;

/** `mesh`: runs the control plane until SIGTERM or SIGINT. */
async function runMesh(flags: MeshFlags, io: Io): Promise<number> {
  const listen = listenAddress('--listen', flags.listen, port);
  if ('problems' in listen) return report(listen, io);
  const rulesListen = listenAddress('--rules-listen', flags.rulesListen, port);
  if ('problems' in rulesListen) return report(rulesListen, io);
  const metricsListen = listenAddress('--metrics-listen', flags.metricsListen, port);
  if ('problems' in metricsListen) return report(metricsListen, io);
  const healthListen = listenAddress('--health-listen', flags.healthListen, port);
  if ('problems' in healthListen) return report(healthListen, io);
  if (!isLogLevel(flags.logLevel)) return report(invalidLogLevel(flags.logLevel), io);
  const maxStreams = Number(flags.maxStreams);
  if (!/^[1-9]\d{0,5}$/.test(flags.maxStreams)) {
    return report(
      usageFailure(`--max-streams: "${flags.maxStreams}" is not a number of streams`, 'give a number from 1 to 999999'),
      io,
    );
  }
  const { kubeconfig, namespace, service, clusterDomain, trustDomain, rootNamespace, audience } = flags;
  return runUntilSignal(flags.logLevel, io, async (log, stopped) => {
    const { serveMesh } = await import('../../../runtime/mesh.ts');
    return serveMesh(
      {
        listen,
        rulesListen,
        metricsListen,
        healthListen,
        profiling: flags.profiling === true,
        kubeconfig,
        namespace,
        service,
        clusterDomain,
        trustDomain,
        rootNamespace,
        audience,
        maxStreams,
        stopped,
      },
      log,
    );
  });
}

export function registerMesh(program: Command, io: Io): void {
  const command = program
    .command('mesh')
    // Options of its commands have names that are here, too.
    .enablePositionalOptions()
    .description(
      'Serve the control plane of the mesh, which configures the proxies of pods that were injected in mode mesh, until SIGTERM or SIGINT.',
    )
    .option('--listen <address>', 'address to serve proxies on, over gRPC with TLS', ':15012')
    .option(
      '--rules-listen <address>',
      'address for questions of the API server about traffic rules, over HTTPS',
      ':15017',
    )
    .option('--metrics-listen <address>', 'address to serve /metrics on, over plain HTTP', ':9090')
    .option('--health-listen <address>', 'address to serve /livez and /readyz on, over plain HTTP', ':8081')
    .option('--kubeconfig <file>', 'kubeconfig file for reaching the API server from outside the cluster')
    .option('--namespace <name>', 'namespace of the control plane and its Secrets', 'sidecar-injector-system')
    .option('--service <name>', 'Service by which proxies reach the control plane', 'sidecar-injector-mesh')
    .option('--cluster-domain <name>', 'DNS domain of the cluster', 'cluster.local')
    .option(
      '--root-namespace <name>',
      'namespace whose traffic rules count for all others where these have none',
      'istio-system',
    )
    .option('--trust-domain <name>', 'trust domain of the identities in certificates', 'cluster.local')
    .option('--audience <name>', 'audience of the tokens that proxies show', 'sidecar-injector-mesh')
    .option(
      '--max-streams <number>',
      'streams that this replica takes at most; more are left to the other replicas',
      '1000',
    )
    .option('--log-level <level>', `lowest level to log: ${logLevels.join(', ')}`, 'info')
    .action(async (flags: MeshFlags) => io.finish(await runMesh(flags, io)));
  addProfilingOption(command);
  addExamples(command, 'sidecar-injector mesh', 'sidecar-injector mesh --kubeconfig ~/.kube/config');
  registerAnalyze(command, io);
  registerExplainCall(command, io);
  registerStatus(command, io);
  registerEnvoyFilter(command, io);
}
