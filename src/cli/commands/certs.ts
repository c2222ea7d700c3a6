import type { Command } from 'commander';
import { exitCodes, print, report, usageFailure, type Io } from '../io.ts';

export interface GenerateOptions {
  readonly directory: string;
  readonly service: string;
  readonly namespace: string;
  readonly days: string;
}

/** `certs generate`: writes a CA and a serving certificate for the Service: all files or none. Never overwrites a file. */
export async function runGenerate(options: GenerateOptions, io: Io): Promise<number> {
  const days = Number(options.days);
  if (!/^\d{1,4}$/.test(options.days) || days < 1) {
    return report(usageFailure(`--days: "${options.days}" is not a number of days`, 'give 1 to 9999'), io);
  }
  const { createAuthority, issueLeaf, serviceNames } = await import('../../certs/authority.ts');
  const { dayMs } = await import('../../certs/durations.ts');
  const { mkdir, rm, writeFile } = await import('node:fs/promises');
  const path = await import('node:path');
  const now = new Date();
  const authority = await createAuthority({ now, lifetimeMs: days * dayMs });
  const names = serviceNames(options.service, options.namespace);
  const leaf = await issueLeaf({ authority, names, now, lifetimeMs: days * dayMs });
  const files = [
    { name: 'ca.crt', text: authority.certificate, mode: 0o644 },
    { name: 'ca.key', text: authority.privateKey, mode: 0o600 },
    { name: 'tls.crt', text: leaf.certificate, mode: 0o644 },
    { name: 'tls.key', text: leaf.privateKey, mode: 0o600 },
  ];
  const written: string[] = [];
  try {
    await mkdir(options.directory, { recursive: true });
    for (const { name, text, mode } of files) {
      const file = path.join(options.directory, name);
      await writeFile(file, text, { mode, flag: 'wx' });
      written.push(file);
    }
  } catch (error) {
    // Half of a set is worse than none: a key whose certificate is somebody else's.
    for (const file of written) await rm(file);
    const { code, path: file } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'already exists' : String(code);
    const remedy = 'give an empty or new directory with --out; nothing is overwritten';
    return report({ problems: [`${file ?? options.directory}: ${why}`], remedy, code: exitCodes.failed }, io);
  }
  print(
    files.map(({ name }) => path.join(options.directory, name)),
    io,
  );
  io.stderr(
    `valid until ${leaf.notAfter.toISOString()} for ${names.dns.join(', ')}; keep ca.key away from the cluster\n`,
  );
  return exitCodes.fine;
}

export function registerCerts(program: Command, io: Io): void {
  const certs = program.command('certs').description('Create certificates for the webhook.');
  certs
    .command('generate')
    .description('Create a CA and a serving certificate signed by it: ca.crt, ca.key, tls.crt and tls.key.')
    .option('--out <dir>', 'folder to write the files to', '.')
    .option('--service <name>', 'name of the Service that the API server calls', 'sidecar-injector')
    .option('--namespace <name>', 'namespace of the Service', 'sidecar-injector-system')
    .option('--days <days>', 'validity of both certificates in days', '365')
    .addHelpText('after', '\nExample:\n  sidecar-injector certs generate --out pki/')
    .action(async ({ out, ...rest }: Omit<GenerateOptions, 'directory'> & { out: string }) =>
      io.finish(await runGenerate({ ...rest, directory: out }, io)),
    );
}
