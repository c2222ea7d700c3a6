import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { beginChange, nextStep, type ModeChange } from '../../../src/mesh/plan/mode-change.ts';
import {
  indexPeerAuthentications,
  modeOf,
  modesFrom,
  permissive,
  textOfModes,
  type PeerModes,
} from '../../../src/mesh/plan/peer-modes.ts';
import { noRules } from '../../../src/mesh/rules/rule-kinds.ts';
import { readPeerAuthentication, type MtlsMode } from '../../../src/mesh/rules/security/peer-authentication.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const root = 'istio-system';
const cart = { namespace: 'shop', labels: { app: 'cart' } };

interface Written {
  readonly name: string;
  readonly namespace?: string;
  readonly created?: string;
  readonly spec: JsonObject;
}

function read({ name, namespace = 'shop', created = '2026-01-01T00:00:00Z', spec }: Written) {
  return readPeerAuthentication({ metadata: { name, namespace, creationTimestamp: created }, spec });
}

function index(objects: readonly Written[]) {
  const rules = objects.map(read);
  const all = new Map(rules.map((rule) => [`${rule.ref.namespace}/${rule.ref.name}`, rule]));
  return indexPeerAuthentications({ ...noRules, PeerAuthentication: all }, root);
}

const decide = (...objects: readonly Written[]) => index(objects).decide(cart);

const mode = (name: string): JsonObject => ({ mtls: { mode: name } });
const ofCart = { selector: { matchLabels: { app: 'cart' } } };

describe('which PeerAuthentication counts', () => {
  test.each<[string, readonly Written[], string]>([
    ['none: both are taken', [], 'PERMISSIVE'],
    ['that of the mesh', [{ name: 'mesh', namespace: root, spec: mode('STRICT') }], 'STRICT'],
    [
      'that of the namespace before that of the mesh',
      [
        { name: 'mesh', namespace: root, spec: mode('STRICT') },
        { name: 'shop', spec: mode('DISABLE') },
      ],
      'DISABLE',
    ],
    [
      'that of the workload before both',
      [
        { name: 'shop', spec: mode('DISABLE') },
        { name: 'cart', spec: { ...ofCart, ...mode('STRICT') } },
      ],
      'STRICT',
    ],
    [
      'none of another namespace, and none for other labels',
      [
        { name: 'other', namespace: 'pay', spec: mode('STRICT') },
        { name: 'pay', spec: { selector: { matchLabels: { app: 'pay' } }, ...mode('STRICT') } },
        { name: 'root', namespace: root, spec: { ...ofCart, ...mode('STRICT') } },
      ],
      'PERMISSIVE',
    ],
    [
      'of two for the same, the oldest',
      [
        { name: 'a', created: '2026-02-01T00:00:00Z', spec: mode('STRICT') },
        { name: 'b', created: '2026-01-01T00:00:00Z', spec: mode('DISABLE') },
      ],
      'DISABLE',
    ],
    [
      'UNSET is as above it',
      [
        { name: 'mesh', namespace: root, spec: mode('STRICT') },
        { name: 'shop', spec: mode('UNSET') },
        { name: 'cart', spec: { ...ofCart } },
      ],
      'STRICT',
    ],
    [
      'ports are those of the workload, and UNSET there is as for the workload',
      [
        { name: 'shop', spec: mode('STRICT') },
        {
          name: 'cart',
          spec: {
            ...ofCart,
            portLevelMtls: { 80: { mode: 'DISABLE' }, 81: { mode: 'UNSET' }, 82: { mode: 'STRICT' } },
          },
        },
      ],
      'STRICT;80=DISABLE',
    ],
    ['a selector without labels selects all', [{ name: 'a', spec: { selector: {}, ...mode('STRICT') } }], 'STRICT'],
    ['one that is not understood is STRICT', [{ name: 'a', spec: { mtls: { mode: 'ON' } } }], 'STRICT'],
    ['also for the pods of its selector alone', [{ name: 'a', spec: { ...ofCart, unknown: 1 } }], 'STRICT'],
    ['ports without a selector are not understood', [{ name: 'a', spec: { portLevelMtls: { 80: {} } } }], 'STRICT'],
  ])('%s', (_, objects, text) => {
    expect(textOfModes(decide(...objects).modes)).toBe(text);
  });

  test('in the root namespace, for its own pods, one with a selector does not', () => {
    const { modes, deciding } = index([
      { name: 'mesh', namespace: root, spec: mode('STRICT') },
      { name: 'cart', namespace: root, spec: { ...ofCart, ...mode('DISABLE') } },
    ]).decide({ ...cart, namespace: root });
    expect([textOfModes(modes), deciding.map(({ ref }) => ref.name)]).toEqual(['STRICT', ['mesh']]);
  });

  test('those that have no effect are known', () => {
    const { deciding, passedOver } = decide(
      { name: 'young', created: '2026-02-01T00:00:00Z', spec: mode('STRICT') },
      { name: 'old', spec: mode('DISABLE') },
    );
    expect([deciding.map(({ ref }) => ref.name), passedOver.map(({ ref }) => ref.name)]).toEqual([['old'], ['young']]);
  });
});

const anyMode = fc.constantFrom<MtlsMode>('DISABLE', 'PERMISSIVE', 'STRICT');
const anyModes: fc.Arbitrary<PeerModes> = fc
  .tuple(anyMode, fc.array(fc.tuple(fc.constantFrom(80, 81), anyMode), { maxLength: 2 }))
  .map(([base, ports]) => modesFrom(base, ports));

/** Whether a server in a mode takes what its clients send. */
function takes(served: MtlsMode, called: MtlsMode): boolean {
  return called === 'DISABLE' ? served !== 'STRICT' : served !== 'DISABLE';
}

/** Ports that may differ, and one that does not. */
const ports = [80, 81, 82];

test('whatever becomes of the objects, and whenever: what clients send is taken, and nothing is opened that stays closed', () => {
  fc.assert(
    fc.property(anyModes, fc.array(fc.tuple(anyModes, fc.nat(4)), { minLength: 1, maxLength: 6 }), (first, story) => {
      let now: Pick<ModeChange, 'served' | 'called'> = { served: first, called: first };
      for (const [target, steps] of story) {
        const before = now;
        let change = beginChange(now, target);
        for (let step = 0; step <= steps; step += 1) {
          now = change ?? { served: target, called: target };
          for (const port of ports) {
            // While clients change, some still send as before.
            const calls = [
              modeOf(now.called, port),
              ...(change?.waitsFor === 'clients' ? [modeOf(before.called, port)] : []),
            ];
            for (const called of calls) expect(takes(modeOf(now.served, port), called)).toBe(true);
            const stays = modeOf(before.served, port) === 'STRICT' && modeOf(target, port) === 'STRICT';
            if (stays && modeOf(before.called, port) !== 'DISABLE') expect(modeOf(now.served, port)).toBe('STRICT');
          }
          if (change !== undefined) change = nextStep(change);
        }
      }
    }),
  );
});

test('to take both opens at once, and to refuse plain text waits for nothing but acknowledgements', () => {
  const strict = modesFrom('STRICT', []);
  const closing = beginChange({ served: permissive, called: permissive }, strict);
  expect(closing).toMatchObject({ served: permissive, waitsFor: 'opening' });
  const opening = beginChange({ served: strict, called: strict }, permissive);
  expect(opening).toMatchObject({ served: permissive, waitsFor: 'opening' });
  expect(beginChange({ served: strict, called: strict }, strict)).toBeUndefined();
});
