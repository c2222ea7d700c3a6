import { randomBytes } from 'node:crypto';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { createAuthority, issueLeaf, type KeyedCertificate, localNames, type SubjectNames } from './authority.ts';
import { validityOf } from './ca-secret.ts';
import { longestTimerMs, minuteMs } from './durations.ts';
import type { OnCertificateEvent } from './events.ts';
import { defaultPolicy, needsLeaf } from './rotation.ts';
import type { CertificateSource, ServingCertificate } from './source.ts';
import { messageOf } from './error-message.ts';

export interface DevSourceOptions {
  /** File to write the CA certificate (PEM) to, so that curl and a local API server can trust it. */
  readonly caFile: string;
  readonly names?: SubjectNames;
  readonly onEvent?: OnCertificateEvent;
  readonly clock?: () => Date;
  /** Interval of checks for renewal. A laptop that was suspended past the renewal renews within one interval. */
  readonly pollMs?: number;
}

/** Serves a leaf for the local machine, signed by a CA in memory. The CA's key never leaves the process. */
export function createDevSource(options: DevSourceOptions): CertificateSource {
  const { caFile, names = localNames, clock = () => new Date(), onEvent = () => {}, pollMs = minuteMs } = options;
  const listeners: ((next: ServingCertificate) => void)[] = [];
  let authority: KeyedCertificate | undefined;
  let serving: ServingCertificate | undefined;
  let isAnnounced = false;
  let problem = 'not started';
  let timer: NodeJS.Timeout | undefined;
  let renewing: Promise<void> | undefined;
  let stopped = false;

  async function writeCa(certificate: string): Promise<void> {
    await writeAtomically(caFile, certificate);
    onEvent({ code: 'ca-generated', detail: `the CA certificate is in '${caFile}'` });
  }

  async function mint(): Promise<ServingCertificate> {
    const now = clock();
    if (authority === undefined || validityOf(authority.certificate).notAfterMs <= now.getTime()) {
      authority = await createAuthority({ now, lifetimeMs: defaultPolicy.caLifetimeMs });
      if (isAnnounced) await writeCa(authority.certificate);
    }
    const leaf = await issueLeaf({ authority, names, now, lifetimeMs: defaultPolicy.leafLifetimeMs });
    serving = { ...leaf, bundle: authority.certificate };
    onEvent({ code: 'leaf-issued', detail: `for ${[...names.dns, ...names.ips].join(', ')}`, notAfter: leaf.notAfter });
    return serving;
  }

  async function renew(): Promise<void> {
    if (serving === undefined) return;
    const facts = { nowMs: clock().getTime(), jitter: 0, signedByCurrent: true };
    if (!needsLeaf(validityOf(serving.certificate), facts).due) return;
    try {
      const next = await mint();
      if (!stopped) for (const listener of listeners) listener(next);
    } catch (error) {
      problem = messageOf(error);
    }
  }

  return {
    async start() {
      const first = await mint();
      timer = setInterval(
        () => {
          renewing ??= renew().finally(() => {
            renewing = undefined;
          });
        },
        Math.min(pollMs, longestTimerMs),
      );
      return first;
    },
    // Not at the start: a server that cannot listen would replace the file of the one that does.
    async announce() {
      isAnnounced = true;
      if (authority !== undefined) await writeCa(authority.certificate);
    },
    onChange(listener) {
      listeners.push(listener);
    },
    health() {
      if (serving === undefined || serving.notAfter <= clock()) return { ready: false, reason: problem };
      return { ready: true, reason: `serving a development certificate, CA in '${caFile}'` };
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await renewing;
    },
  };
}

/** Replaces the file atomically; its mode is set before it gets its name. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await chmod(temporary, 0o644);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const why = messageOf(error);
    throw new Error(`cannot write the CA certificate to '${file}': ${why}`, { cause: error });
  }
}
