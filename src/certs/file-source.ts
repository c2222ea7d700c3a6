import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseBundle } from './bundle.ts';
import { longestTimerMs, minuteMs, secondMs } from './durations.ts';
import type { OnCertificateEvent } from './events.ts';
import type { CertificateSource, ServingCertificate } from './source.ts';
import { messageOf } from './error-message.ts';

export interface FileSourceOptions {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  /** CA bundle to report with every certificate; not required for serving. */
  readonly bundleFile?: string;
  readonly onEvent?: OnCertificateEvent;
  /** Interval of reading the files. Watching the directories only makes changes visible sooner. */
  readonly pollMs?: number;
  /** Delay after a file event, so that both files of a swap are read together. */
  readonly settleMs?: number;
  readonly clock?: () => Date;
}

/**
 * Serves a certificate and key from files that something else maintains, such as cert-manager. It watches the
 * directories rather than the files, because the kubelet replaces a symbolic link next to them, and also polls the
 * content, because events can be lost. An invalid pair is never served: `start` rejects, and later the last valid pair
 * stays in use.
 */
export function createFileSource(options: FileSourceOptions): CertificateSource {
  const { pollMs = 10 * secondMs, settleMs = 100, clock = () => new Date(), onEvent = () => {} } = options;
  const listeners: ((next: ServingCertificate) => void)[] = [];
  const watchers: FSWatcher[] = [];
  let pollTimer: NodeJS.Timeout | undefined;
  let settleTimer: NodeJS.Timeout | undefined;
  let serving: ServingCertificate | undefined;
  let problem: string | undefined;
  let stopped = false;
  let looking: Promise<void> | undefined;
  let lookAgain = false;

  function reportProblem(next: string | undefined): void {
    if (next !== undefined && next !== problem) onEvent({ code: 'pair-invalid', detail: next });
    problem = next;
  }

  async function look(): Promise<void> {
    const result = await readPair(options, clock());
    if (stopped) return;
    if (typeof result === 'string') {
      reportProblem(result);
      return;
    }
    reportProblem(undefined);
    if (serving !== undefined && samePair(serving, result)) return;
    serving = result;
    onEvent({
      code: 'pair-loaded',
      detail: `the pair in '${options.certificateFile}' changed`,
      notAfter: result.notAfter,
    });
    for (const listener of listeners) listener(result);
  }

  /** Never reads concurrently; a request made during a read causes another one afterwards. */
  function lookSoon(): void {
    if (looking !== undefined) {
      lookAgain = true;
      return;
    }
    lookAgain = false;
    looking = look().finally(() => {
      looking = undefined;
      if (lookAgain && !stopped) lookSoon();
    });
  }

  function watchDirectory(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        clearTimeout(settleTimer);
        if (!stopped) settleTimer = setTimeout(lookSoon, settleMs);
      });
      watcher.on('error', (error) => reportNoWatch(directory, error));
      watchers.push(watcher);
    } catch (error) {
      reportNoWatch(directory, error);
    }
  }

  function reportNoWatch(directory: string, error: unknown): void {
    const detail = `cannot watch '${directory}' (${messageOf(error)}); its files are still read every ${pollMs} ms`;
    onEvent({ code: 'watch-unavailable', detail });
  }

  async function stop(): Promise<void> {
    stopped = true;
    clearInterval(pollTimer);
    clearTimeout(settleTimer);
    for (const watcher of watchers) watcher.close();
    await looking;
  }

  return {
    async start() {
      // Watching begins before the first read: otherwise a swap between the two would be noticed only by polling.
      const files = [options.certificateFile, options.privateKeyFile, options.bundleFile ?? options.certificateFile];
      for (const directory of new Set(files.map(dirname))) watchDirectory(directory);
      const first = await readPair(options, clock());
      if (typeof first === 'string') {
        await stop();
        throw new Error(first);
      }
      serving = first;
      onEvent({
        code: 'pair-loaded',
        detail: `serving the pair in '${options.certificateFile}'`,
        notAfter: first.notAfter,
      });
      pollTimer = setInterval(lookSoon, Math.min(pollMs, longestTimerMs));
      return first;
    },
    onChange(listener) {
      listeners.push(listener);
    },
    health() {
      if (serving === undefined) return { ready: false, reason: problem ?? 'the certificate files were not read yet' };
      const until = serving.notAfter.toISOString();
      if (serving.notAfter <= clock())
        return { ready: false, reason: problem ?? `the certificate expired on ${until}` };
      if (problem !== undefined)
        return { ready: true, reason: `serving the last good pair until ${until}: ${problem}` };
      return { ready: true, reason: `serving the pair in '${options.certificateFile}' until ${until}` };
    },
    stop,
  };
}

/** The pair, or one sentence that names the file and its problem. The sentence never contains key material. */
async function readPair(files: FileSourceOptions, now: Date): Promise<ServingCertificate | string> {
  const { certificateFile, privateKeyFile, bundleFile } = files;
  try {
    const certificate = await readText(certificateFile);
    const privateKey = await readText(privateKeyFile);
    const bundle = bundleFile === undefined ? undefined : await readText(bundleFile);
    if (bundle !== undefined) {
      const { problem } = parseBundle(bundle);
      if (problem !== undefined) return `CA file '${bundleFile}': ${problem}`;
    }
    const { certificates, problem } = parseBundle(certificate);
    const leaf = certificates?.[0];
    if (leaf === undefined) return `certificate file '${certificateFile}': ${problem}`;
    const mismatch = checkPair(leaf, privateKey, files);
    if (mismatch !== undefined) return mismatch;
    const flaw = flawOf(leaf, now);
    if (flaw !== undefined) return `certificate file '${certificateFile}': ${flaw}`;
    return { certificate, privateKey, notAfter: leaf.validToDate, ...(bundle !== undefined && { bundle }) };
  } catch (error) {
    return messageOf(error);
  }
}

/** How far this machine's clock may be behind the one of the issuer. */
const toleratedLagMs = 5 * minuteMs;

/** Extended key usages with which a certificate is accepted of servers (RFC 5280, 4.2.1.12): `serverAuth` and any. */
const serverUsages = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/** Why every API server would refuse the certificate, whatever CA it trusts. */
function flawOf(leaf: X509Certificate, now: Date): string | undefined {
  if (leaf.validToDate <= now) return `the certificate expired on ${leaf.validToDate.toISOString()}`;
  if (leaf.validFromDate.getTime() > now.getTime() + toleratedLagMs) {
    return `the certificate is not valid before ${leaf.validFromDate.toISOString()}`;
  }
  if (leaf.subjectAltName === undefined) {
    return 'the certificate names no host (subjectAltName); API servers do not read the common name';
  }
  // Node's types leave out that a certificate need not say for what it is.
  const usages: readonly string[] | undefined = leaf.keyUsage;
  if (usages !== undefined && !usages.some((usage) => serverUsages.includes(usage))) {
    return 'the certificate is not for servers: its extended key usage lacks serverAuth';
  }
  return undefined;
}

function checkPair(leaf: X509Certificate, privateKey: string, files: FileSourceOptions): string | undefined {
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(privateKey);
  } catch {
    return `private key file '${files.privateKeyFile}': is not an unencrypted PEM private key`;
  }
  if (leaf.checkPrivateKey(key)) return undefined;
  return `private key file '${files.privateKeyFile}': does not belong to the certificate in '${files.certificateFile}'`;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read '${file}': ${messageOf(error)}`, { cause: error });
  }
}

function samePair(left: ServingCertificate, right: ServingCertificate): boolean {
  return left.certificate === right.certificate && left.privateKey === right.privateKey && left.bundle === right.bundle;
}
