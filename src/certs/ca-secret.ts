import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyedCertificate } from './authority.ts';
import { joinBundle, parseBundle } from './bundle.ts';
import type { RotationAction, RotationPhase, RotationState, Validity } from './rotation.ts';
import { messageOf } from './error-message.ts';

/** Keys of the CA Secret that are read and written. Other keys are left unchanged. */
export const secretKeys = {
  certificate: 'ca.crt',
  key: 'ca.key',
  nextCertificate: 'ca-next.crt',
  nextKey: 'ca-next.key',
  previous: 'ca-previous.crt',
  phase: 'phase',
  phaseSince: 'phase-since',
  generation: 'generation',
} as const;

/** The validated content of the CA Secret. */
export interface CaContent {
  readonly current: KeyedCertificate;
  /** The prepared successor; present only in phase `overlap`. */
  readonly next?: KeyedCertificate;
  /** CA certificates (PEM) that no longer sign, but whose leaves may still be valid. */
  readonly previous: readonly string[];
  readonly phase: RotationPhase;
  readonly phaseSince: Date;
  readonly generation: number;
}

export type ParsedSecret =
  | { readonly kind: 'empty' }
  | { readonly kind: 'filled'; readonly content: CaContent }
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Parses the Secret's values. `empty` means that none of our keys has a value. Content that is incomplete or
 * inconsistent is `invalid`, with one sentence that names the key of the Secret. The sentence never contains private
 * key material.
 */
export function parseCaSecret(data: ReadonlyMap<string, string>): ParsedSecret {
  const value = (key: string): string => data.get(key)?.trim() ?? '';
  if (Object.values(secretKeys).every((key) => value(key) === '')) return { kind: 'empty' };
  try {
    const phase = parsePhase(value(secretKeys.phase));
    const hasNext = value(secretKeys.nextCertificate) !== '' || value(secretKeys.nextKey) !== '';
    if (hasNext !== (phase === 'overlap')) {
      throw new Error(`key '${secretKeys.phase}': is '${phase}', but a next CA is ${hasNext ? 'present' : 'absent'}`);
    }
    const current = parsePair(data, secretKeys.certificate, secretKeys.key);
    const previous = value(secretKeys.previous) === '' ? [] : parseCertificates(data, secretKeys.previous);
    const content: CaContent = {
      current,
      previous: previous.map((certificate) => certificate.toString()),
      phase,
      phaseSince: parseTime(value(secretKeys.phaseSince), new X509Certificate(current.certificate).validFromDate),
      generation: parseGeneration(value(secretKeys.generation)),
      ...(hasNext && { next: parsePair(data, secretKeys.nextCertificate, secretKeys.nextKey) }),
    };
    return { kind: 'filled', content };
  } catch (error) {
    return { kind: 'invalid', problem: messageOf(error) };
  }
}

/** The Secret's values with this content. Keys that are not ours keep their values. */
export function renderCaSecret(content: CaContent, base: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const data = new Map(base);
  const ours: readonly (readonly [string, string | undefined])[] = [
    [secretKeys.certificate, content.current.certificate],
    [secretKeys.key, content.current.privateKey],
    [secretKeys.nextCertificate, content.next?.certificate],
    [secretKeys.nextKey, content.next?.privateKey],
    [secretKeys.previous, content.previous.join('')],
    [secretKeys.phase, content.phase],
    [secretKeys.phaseSince, content.phaseSince.toISOString()],
    [secretKeys.generation, String(content.generation)],
  ];
  for (const [key, text] of ours) {
    if (text === undefined || text === '') data.delete(key);
    else data.set(key, text);
  }
  return data;
}

/** Every CA that must be trusted now: the current, the next and the previous ones. PEM. */
export function trustBundle(content: CaContent): string {
  const next = content.next === undefined ? [] : [content.next.certificate];
  return joinBundle([content.current.certificate, ...next, ...content.previous]);
}

/** The state of the rotation that the content represents. */
export function rotationState(content: CaContent): RotationState {
  return {
    phase: content.phase,
    phaseSinceMs: content.phaseSince.getTime(),
    generation: content.generation,
    current: validityOf(content.current.certificate),
    ...(content.next && { next: validityOf(content.next.certificate) }),
  };
}

/** Validity period of a PEM certificate. */
export function validityOf(certificate: string): Validity {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return { notBeforeMs: validFromDate.getTime(), notAfterMs: validToDate.getTime() };
}

/**
 * The content after a step of the rotation.
 *
 * @param facts.fresh the new CA; required by the steps `generate` and `publish-overlap`
 * @param facts.inherited CA certificates (PEM) to keep trusting after the first `generate`
 */
export function applyStep(
  action: Exclude<RotationAction, 'none'>,
  content: CaContent | undefined,
  facts: { readonly now: Date; readonly fresh?: KeyedCertificate; readonly inherited?: readonly string[] },
): CaContent {
  const { now, fresh } = facts;
  const needed = (): KeyedCertificate => {
    if (fresh === undefined) throw new Error(`the step '${action}' needs a new CA`);
    return fresh;
  };
  if (content === undefined) {
    if (action !== 'generate') throw new Error(`the step '${action}' needs a CA`);
    const previous = facts.inherited ?? [];
    const phase = previous.length === 0 ? 'stable' : 'retiring';
    return { current: needed(), previous, phase, phaseSince: now, generation: 1 };
  }
  const { next, ...settled } = content;
  const living = [content.current.certificate, ...content.previous].filter(
    (certificate) => validityOf(certificate).notAfterMs > now.getTime(),
  );
  if (action === 'publish-overlap') return { ...settled, next: needed(), phase: 'overlap', phaseSince: now };
  if (action === 'drop-old') return { ...settled, previous: [], phase: 'stable', phaseSince: now };
  const current = action === 'generate' ? needed() : next;
  if (current === undefined) throw new Error(`the step '${action}' needs a next CA`);
  return { current, previous: living, phase: 'retiring', phaseSince: now, generation: content.generation + 1 };
}

function parseCertificates(data: ReadonlyMap<string, string>, key: string): readonly X509Certificate[] {
  const { certificates, problem } = parseBundle(data.get(key) ?? '');
  if (certificates === undefined) throw new Error(`key '${key}': ${problem}`);
  return certificates;
}

function parsePair(data: ReadonlyMap<string, string>, certificateKey: string, privateKey: string): KeyedCertificate {
  const [certificate, second] = parseCertificates(data, certificateKey);
  if (certificate === undefined || second !== undefined) {
    throw new Error(`key '${certificateKey}': must hold exactly one certificate`);
  }
  if (!certificate.ca) throw new Error(`key '${certificateKey}': is not a CA certificate (no CA:TRUE)`);
  const keyText = data.get(privateKey) ?? '';
  const key = readPrivateKey(keyText);
  if (key === undefined) throw new Error(`key '${privateKey}': is not an unencrypted PEM private key`);
  if (key.asymmetricKeyType !== 'rsa') {
    throw new Error(`key '${privateKey}': is of type '${key.asymmetricKeyType}', only RSA keys can sign here`);
  }
  if (!certificate.checkPrivateKey(key)) throw new Error(`key '${privateKey}': does not belong to '${certificateKey}'`);
  return { certificate: certificate.toString(), privateKey: keyText };
}

function readPrivateKey(pem: string): ReturnType<typeof createPrivateKey> | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's message does not help the user, and the text that it is about must not be logged.
    return undefined;
  }
}

function parsePhase(text: string): RotationPhase {
  // A CA that was added by hand has no phase.
  if (text === '' || text === 'stable') return 'stable';
  if (text === 'overlap' || text === 'retiring') return text;
  throw new Error(`key '${secretKeys.phase}': must be 'stable', 'overlap' or 'retiring', not '${text.slice(0, 40)}'`);
}

function parseTime(text: string, fallback: Date): Date {
  if (text === '') return fallback;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) {
    throw new Error(`key '${secretKeys.phaseSince}': must be an ISO 8601 time, not '${text.slice(0, 40)}'`);
  }
  return time;
}

function parseGeneration(text: string): number {
  if (text === '') return 1;
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw new Error(`key '${secretKeys.generation}': must be a whole number from 1, not '${text.slice(0, 40)}'`);
}
