import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthority, issueLeaf, type KeyedCertificate, localNames } from '../../../src/certs/authority.ts';
import { fingerprintsOf, sameCertificates } from '../../../src/certs/bundle.ts';
import {
  applyStep,
  type CaContent,
  parseCaSecret,
  renderCaSecret,
  rotationState,
  secretKeys,
  trustBundle,
  validityOf,
} from '../../../src/certs/ca-secret.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { defaultPolicy, nextStep } from '../../../src/certs/rotation.ts';

const now = new Date(Date.UTC(2031, 4, 6));
let first: KeyedCertificate;
let second: KeyedCertificate;
let leaf: KeyedCertificate;
let stable: CaContent;
let overlap: CaContent;

beforeAll(async () => {
  [first, second] = await Promise.all([
    createAuthority({ now, lifetimeMs: 365 * dayMs }),
    createAuthority({ now, lifetimeMs: 365 * dayMs }),
  ]);
  leaf = await issueLeaf({ authority: first, names: localNames, now, lifetimeMs: dayMs });
  stable = applyStep('generate', undefined, { now, fresh: first });
  overlap = applyStep('publish-overlap', stable, { now, fresh: second });
});

function contentOf(data: ReadonlyMap<string, string>): CaContent {
  const parsed = parseCaSecret(data);
  if (parsed.kind !== 'filled') throw new Error(JSON.stringify(parsed));
  return parsed.content;
}

describe('the content of the CA Secret', () => {
  test('comes back as it was written, in every phase', () => {
    const switched = applyStep('switch', overlap, { now });
    const dropped = applyStep('drop-old', switched, { now });
    for (const content of [stable, overlap, switched, dropped]) {
      const again = contentOf(renderCaSecret(content, new Map()));
      expect(again).toEqual(content);
      expect(again.phaseSince.toISOString()).toBe(content.phaseSince.toISOString());
    }
  });

  test('carries keys of others along and removes its own that are over', () => {
    const data = renderCaSecret(overlap, new Map([['note', 'keep me']]));
    expect([...data.keys()]).toContain(secretKeys.nextKey);
    const later = renderCaSecret(applyStep('switch', overlap, { now }), data);
    expect(later.get('note')).toBe('keep me');
    expect([...later.keys()]).not.toContain(secretKeys.nextKey);
    expect([...later.keys()]).not.toContain(secretKeys.nextCertificate);
  });

  test.each<[string, () => ReadonlyMap<string, string>]>([
    ['has no values', () => new Map()],
    ['has empty values', () => new Map([[secretKeys.certificate, ' \n']])],
    ['has only the values of others', () => new Map([['note', 'keep me']])],
  ])('is empty when it %s', (_, data) => {
    expect(parseCaSecret(data())).toEqual({ kind: 'empty' });
  });

  test('may be a CA that somebody put there by hand', () => {
    const content = contentOf(
      new Map([
        ['ca.crt', first.certificate],
        ['ca.key', first.privateKey],
      ]),
    );
    expect(content).toMatchObject({ current: first, previous: [], phase: 'stable', generation: 1 });
    expect(content.phaseSince.getTime()).toBe(validityOf(first.certificate).notBeforeMs);
  });

  test.each<[string, (data: Map<string, string>) => void, string]>([
    ['no certificate', (data) => data.delete('ca.crt'), "key 'ca.crt': no PEM certificate found"],
    ['garbage', (data) => data.set('ca.crt', 'garbage'), "key 'ca.crt': no PEM certificate found"],
    ['half a certificate', (data) => data.set('ca.crt', first.certificate.slice(0, 200)), "key 'ca.crt': a PEM"],
    [
      'two certificates',
      (data) => data.set('ca.crt', first.certificate + second.certificate),
      "key 'ca.crt': must hold exactly one certificate",
    ],
    [
      'a leaf',
      (data) => data.set('ca.crt', leaf.certificate).set('ca.key', leaf.privateKey),
      "key 'ca.crt': is not a CA",
    ],
    ['no key', (data) => data.delete('ca.key'), "key 'ca.key': is not an unencrypted PEM private key"],
    ["another's key", (data) => data.set('ca.key', second.privateKey), "key 'ca.key': does not belong to 'ca.crt'"],
    [
      'a key that cannot sign here',
      (data) =>
        data.set(
          'ca.key',
          generateKeyPairSync('ec', { namedCurve: 'P-256' })
            .privateKey.export({ type: 'pkcs8', format: 'pem' })
            .toString(),
        ),
      "key 'ca.key': is of type 'ec'",
    ],
    ['a garbled bundle', (data) => data.set('ca-previous.crt', 'x'), "key 'ca-previous.crt': no PEM certificate"],
    [
      'an unknown phase',
      (data) => data.set('phase', 'waning'),
      "key 'phase': must be 'stable', 'overlap' or 'retiring'",
    ],
    ['an overlap without a next CA', (data) => data.set('phase', 'overlap'), 'but a next CA is absent'],
    ['a next CA without an overlap', (data) => data.set('ca-next.crt', second.certificate), 'but a next CA is present'],
    ['no time', (data) => data.set('phase-since', 'yesterday'), "key 'phase-since': must be an ISO 8601 time"],
    ['no number', (data) => data.set('generation', '-1'), "key 'generation': must be a whole number from 1, not '-1'"],
  ])('is refused with a reason when it holds %s', (_, spoil, problem) => {
    const data = new Map(renderCaSecret(stable, new Map()));
    spoil(data);
    const parsed = parseCaSecret(data);
    expect(parsed).toEqual({ kind: 'invalid', problem: expect.stringContaining(problem) });
    expect(JSON.stringify(parsed)).not.toMatch(/PRIVATE KEY-----|MII/);
  });
});

describe('a rotation', () => {
  test('always publishes the CA that signs and, until no leaf of it lives, the one before', async () => {
    // Two years, six hours at a time, with a bundle that is live at once.
    let content: CaContent | undefined;
    const taken: string[] = [];
    const third = await createAuthority({ now: new Date(now.getTime() + 370 * dayMs), lifetimeMs: 365 * dayMs });
    const fresh = [
      first,
      await createAuthority({ now: new Date(now.getTime() + 183 * dayMs), lifetimeMs: 365 * dayMs }),
      third,
      await createAuthority({ now: new Date(now.getTime() + 540 * dayMs), lifetimeMs: 365 * dayMs }),
    ];
    const signedAt = new Map<string, number>();
    for (let hour = 0; hour < 24 * 700; hour += 6) {
      const at = new Date(now.getTime() + (hour * dayMs) / 24);
      const { action } = nextStep(content && rotationState(content), { nowMs: at.getTime(), nextIsLive: true });
      if (action !== 'none') {
        const ca = action === 'generate' || action === 'publish-overlap' ? fresh.shift() : undefined;
        content = applyStep(action, content, { now: at, ...(ca && { fresh: ca }) });
        taken.push(action);
      }
      if (content === undefined) throw new Error('there is no CA');
      signedAt.set(content.current.certificate, at.getTime());
      const trusted = fingerprintsOf(trustBundle(content));
      for (const [signer, lastMs] of signedAt) {
        if (at.getTime() - lastMs > defaultPolicy.leafLifetimeMs) continue;
        expect(trusted).toContain([...fingerprintsOf(signer)][0]);
      }
    }
    const rotation = ['publish-overlap', 'switch', 'drop-old'];
    expect(taken).toEqual(['generate', ...rotation, ...rotation, ...rotation]);
    expect(content?.generation).toBe(4);
  });

  test('keeps every CA that is alive, over several steps, and no other', async () => {
    const soonOver = await createAuthority({ now: new Date(now.getTime() - 9 * dayMs), lifetimeMs: 10 * dayMs });
    const inherited = [soonOver.certificate];
    const content = applyStep('generate', undefined, { now, fresh: first, inherited });
    expect(content.phase).toBe('retiring');
    const prepared = applyStep('publish-overlap', content, { now, fresh: second });
    expect(fingerprintsOf(trustBundle(prepared)).size).toBe(3);
    expect(applyStep('switch', prepared, { now }).previous).toEqual([first.certificate, soonOver.certificate]);
    const later = new Date(now.getTime() + 2 * dayMs);
    expect(applyStep('switch', prepared, { now: later }).previous).toEqual([first.certificate]);
  });

  test('after an expired CA keeps nothing of it', () => {
    const late = new Date(now.getTime() + 400 * dayMs);
    const content = applyStep('generate', stable, { now: late, fresh: second });
    expect(sameCertificates(trustBundle(content), second.certificate)).toBe(true);
    expect(content.generation).toBe(2);
  });

  test('refuses a step that it has no CA for', () => {
    expect(() => applyStep('generate', undefined, { now })).toThrow("the step 'generate' needs a new CA");
    expect(() => applyStep('switch', stable, { now })).toThrow("the step 'switch' needs a next CA");
    expect(() => applyStep('drop-old', undefined, { now })).toThrow("the step 'drop-old' needs a CA");
  });
});
