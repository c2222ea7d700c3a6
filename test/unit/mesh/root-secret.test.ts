import { describe, expect, test } from '@jest/globals';
import { createEllipticAuthority } from '../../../src/certs/elliptic-certificate.ts';
import { readGivenAuthority } from '../../../src/mesh/identity/given-authority.ts';
import { rootAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import { parseRoot, renderRoot } from '../../../src/mesh/identity/root-secret.ts';
import type { RootState } from '../../../src/mesh/identity/root-rotation.ts';
import { istioValues, makeForeign } from '../../support/mesh/foreign-authorities.ts';
import { stableState } from '../../support/mesh/identity.ts';

const now = new Date();
const authorityOf = () => createEllipticAuthority({ name: 'mesh', now, lifetimeMs: 3_600_000 });
const [first, second] = [authorityOf(), authorityOf()];
const foreignRoot = makeForeign({ name: 'Root' });
const given = readGivenAuthority(
  new Map(Object.entries(istioValues(makeForeign({ name: 'Mesh', issuer: foreignRoot }), foreignRoot))),
  new Date(now.getTime() + 60_000),
);
const state: RootState = { ...stableState(first), generation: 3, since: new Date('2026-06-01T12:00:00.000Z') };

test.each<[string, RootState]>([
  ['one authority', state],
  ['two of them', { ...state, phase: 'trust', next: rootAuthority(second), request: 'of June', isUrgent: true }],
  ['an intermediate that is next', { ...state, phase: 'trust', ...(given && { next: given }) }],
  [
    'an intermediate that signs, and old roots',
    { ...state, phase: 'sign', ...(given && { current: given }), previous: [first.certificate, second.certificate] },
  ],
])('a state of %s is the same when it has been stored, and what else is there stays', (_, stored) => {
  const data = renderRoot(
    stored,
    renderRoot({ ...state, phase: 'trust', next: rootAuthority(second) }, new Map([['note', 'mine']])),
  );
  expect(data.get('note')).toBe('mine');
  expect(parseRoot(data)).toEqual({ kind: 'filled', state: stored });
});

test('a pair alone, as earlier versions wrote it, is a state', () => {
  const data = new Map(Object.entries({ 'ca.crt': first.certificate, 'ca.key': first.privateKey }));
  const parsed = parseRoot(data);
  expect(parsed).toMatchObject({
    kind: 'filled',
    state: { phase: 'stable', generation: 1, previous: [], request: '' },
  });
  expect(parsed).toMatchObject({ state: { current: { chain: [], roots: [first.certificate] } } });
});

test('only the certificate is given on, whatever stands beside it', () => {
  const data = new Map(
    Object.entries({ 'ca.crt': `# mine\n${first.privateKey}${first.certificate}`, 'ca.key': first.privateKey }),
  );
  expect(parseRoot(data)).toMatchObject({
    state: { current: { certificate: first.certificate, roots: [first.certificate] } },
  });
});

test('nothing but other keys is nothing', () => {
  expect(
    parseRoot(
      new Map([
        ['note', 'mine'],
        ['phase', 'sign'],
        ['ca.crt', '\n'],
      ]),
    ),
  ).toEqual({ kind: 'empty' });
});

describe('is refused', () => {
  const whole = Object.fromEntries(renderRoot({ ...state, phase: 'trust', next: rootAuthority(second) }, new Map()));
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['half of a pair', { 'ca.key': '' }, 'it must have both ca.crt and ca.key'],
    ['garbage', { 'ca.crt': 'garbage' }, 'ca.crt is not one certificate in PEM'],
    ['two certificates', { 'ca.crt': first.certificate + second.certificate }, 'ca.crt is not one certificate in PEM'],
    ['a foreign key', { 'ca-next.key': first.privateKey }, 'ca-next.key does not belong to ca-next.crt'],
    ['a phase that is none', { phase: 'drop' }, "phase must be 'stable', 'trust' or 'sign', and not 'drop'"],
    ['a phase without its authority', { 'ca-next.crt': '' }, "phase is 'trust', but ca-next.crt is missing"],
    ['an authority without its phase', { phase: 'sign' }, "phase is 'sign', but ca-next.crt is there"],
    [
      'a time that is none',
      { 'phase-since': 'yesterday' },
      "phase-since must be an ISO 8601 time, and not 'yesterday'",
    ],
    ['a generation that is none', { generation: '-1' }, "generation must be a whole number from 1 on, and not '-1'"],
    ['roots that are none', { 'ca-previous.crt': 'garbage' }, 'ca-previous.crt holds no certificates in PEM'],
  ])('%s', (_, changes, problem) => {
    const parsed = parseRoot(new Map(Object.entries({ ...whole, ...changes })));
    expect(parsed).toEqual({ kind: 'invalid', problem: expect.stringContaining(problem) });
    expect(JSON.stringify(parsed)).not.toContain('PRIVATE');
  });
});
