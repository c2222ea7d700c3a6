import type { Command } from 'commander';
import type { CertificateChoice } from '../../runtime/certificate.ts';
import { isLogLevel, logLevels } from '../../telemetry/level.ts';
import { report, usageFailure, type Failure, type Io } from '../io.ts';
import { addProfilingOption, collect, invalidLogLevel, listenAddress } from '../options.ts';
import { runUntilSignal } from '../running-server.ts';

export interface ServeFlags {
  readonly listen: string;
  readonly metricsListen: string;
  readonly healthListen?: string;
  readonly settings?: string;
  readonly sidecars?: readonly string[];
  readonly meshRoots?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly selfManagedCerts?: boolean;
  readonly devCerts?: string;
  readonly profiling?: true;
  readonly kubeconfig?: string;
  readonly logLevel: string;
  readonly drainSeconds: string;
}

function chooseCertificate(flags: ServeFlags): CertificateChoice | Failure {
  const { tlsCertFile, tlsPrivateKeyFile, selfManagedCerts, devCerts } = flags;
  const byFiles = tlsCertFile !== undefined || tlsPrivateKeyFile !== undefined;
  const ways = [byFiles, selfManagedCerts === true, devCerts !== undefined].filter(Boolean).length;
  const remedy =
    'give one of: --tls-cert-file with --tls-private-key-file, --self-managed-certs, --dev-certs FILE (development only)';
  if (ways !== 1) {
    return usageFailure(
      ways === 0
        ? 'no certificate: the API server calls webhooks over TLS only'
        : 'several ways to a certificate were given',
      remedy,
    );
  }
  if (devCerts !== undefined) return { kind: 'dev', caFile: devCerts };
  if (selfManagedCerts === true) return { kind: 'managed' };
  if (tlsCertFile === undefined || tlsPrivateKeyFile === undefined) {
    return usageFailure('--tls-cert-file and --tls-private-key-file belong together', 'give both');
  }
  return { kind: 'files', certificateFile: tlsCertFile, privateKeyFile: tlsPrivateKeyFile };
}

/** Port in the examples of addresses. */
const port = 8443;

/** `serve`: runs the webhook until SIGTERM or SIGINT. */
export async function runServe(flags: ServeFlags, io: Io): Promise<number> {
  const certificate = chooseCertificate(flags);
  if ('problems' in certificate) return report(certificate, io);
  const listen = listenAddress('--listen', flags.listen, port);
  if ('problems' in listen) return report(listen, io);
  const metricsListen = listenAddress('--metrics-listen', flags.metricsListen, port);
  if ('problems' in metricsListen) return report(metricsListen, io);
  const healthListen =
    flags.healthListen === undefined ? undefined : listenAddress('--health-listen', flags.healthListen, port);
  if (healthListen !== undefined && 'problems' in healthListen) return report(healthListen, io);
  if (!isLogLevel(flags.logLevel)) return report(invalidLogLevel(flags.logLevel), io);
  const drainSeconds = Number(flags.drainSeconds);
  if (!/^\d{1,4}$/.test(flags.drainSeconds)) {
    return report(
      usageFailure(`--drain-seconds: "${flags.drainSeconds}" is not a number of seconds`, 'give 0 to 9999'),
      io,
    );
  }
  const { settings, sidecars, kubeconfig } = flags;
  const drainMs = drainSeconds * 1_000;
  const meshRoots = flags.meshRoots === undefined ? undefined : { file: flags.meshRoots, mayBeMissing: true };
  return runUntilSignal(flags.logLevel, io, async (log) => {
    const { serve } = await import('../../runtime/serve.ts');
    return serve(
      {
        listen,
        metricsListen,
        healthListen,
        profiling: flags.profiling === true,
        settings,
        sidecars,
        meshRoots,
        certificate,
        kubeconfig,
        drainMs,
      },
      log,
    );
  });
}

export function registerServe(program: Command, io: Io): void {
  const command = program
    .command('serve')
    .description('Serve the mutating admission webhook over HTTPS until SIGTERM or SIGINT.')
    .option('--listen <address>', 'address to serve the webhook on, over HTTPS', ':8443')
    .option('--metrics-listen <address>', 'address to serve /metrics on, over plain HTTP', ':9090')
    .option(
      '--health-listen <address>',
      'address to serve /livez and /readyz on, over plain HTTP (default: only on --listen)',
    )
    .option(
      '--settings <file>',
      'file with an InjectorConfiguration; reloaded when it changes (default: the built-in settings)',
    )
    .option(
      '--sidecars <path>',
      'file, folder or folder of folders with SidecarTemplate objects; reloaded when it changes; can be repeated (default: none)',
      collect,
    )
    .option(
      '--mesh-roots <file>',
      "file with the root certificates of the mesh's control plane, which may come later; reloaded when it changes (default: none)",
    )
    .option('--tls-cert-file <file>', 'file with the serving certificate in PEM; reloaded when it changes')
    .option('--tls-private-key-file <file>', 'file with the private key of the serving certificate in PEM')
    .option(
      '--self-managed-certs',
      'create and renew the certificates, with the CA in a Secret of the cluster, and keep the caBundle up to date',
    )
    .option(
      '--dev-certs <file>',
      'for development: create certificates in memory and write the CA certificate to this file',
    )
    .option('--kubeconfig <file>', 'kubeconfig file for reaching the API server from outside the cluster');
  addProfilingOption(command)
    .option('--log-level <level>', `lowest level to log: ${logLevels.join(', ')}`, 'info')
    .option('--drain-seconds <seconds>', 'seconds to keep serving, but report not ready, after SIGTERM', '10')
    .addHelpText(
      'after',
      '\nExamples:\n  sidecar-injector serve --self-managed-certs --settings /etc/sidecar-injector/settings/settings.yaml\n' +
        '  sidecar-injector serve --listen 127.0.0.1:8443 --dev-certs ca.pem',
    )
    .action(async (flags: ServeFlags) => io.finish(await runServe(flags, io)));
}
