import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { findChangedParts, findChanges } from '../../../src/manifests/changes.ts';
import { canonicalText, type Json, type JsonObject } from '../../../src/json/json.ts';
import { anyJson, anyPod } from '../../support/builders/pods.ts';

describe('changes of a value', () => {
  test.each<[string, Json, Json, unknown[]]>([
    ['nothing', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
    ['a field', { a: { b: 1 } }, { a: { b: 2 } }, [{ what: 'changed', path: 'a.b', before: 1, after: 2 }]],
    ['a new field', {}, { a: { b: 1 } }, [{ what: 'added', path: 'a', after: { b: 1 } }]],
    ['a field that is gone', { a: null }, {}, [{ what: 'removed', path: 'a', before: null }]],
    ['a key with dots', {}, { 'a/b.c': 1 }, [{ what: 'added', path: '[a/b.c]', after: 1 }]],
    [
      'a list of named items, wherever they stand',
      {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      {
        env: [
          { name: 'C', value: '3' },
          { name: 'B', value: '2' },
          { name: 'A', value: '4' },
        ],
      },
      [
        { what: 'added', path: 'env[C]', after: { name: 'C', value: '3' } },
        { what: 'changed', path: 'env[A].value', before: '1', after: '4' },
      ],
    ],
    [
      'another list',
      { args: ['a'] },
      { args: ['a', 'b'] },
      [{ what: 'changed', path: 'args', before: ['a'], after: ['a', 'b'] }],
    ],
    [
      'a name twice',
      { env: [{ name: 'A' }, { name: 'A' }] },
      { env: [{ name: 'A' }] },
      [{ what: 'changed', path: 'env', before: [{ name: 'A' }, { name: 'A' }], after: [{ name: 'A' }] }],
    ],
    [
      'a prototype’s name',
      JSON.parse('{"__proto__": 1}') as Json,
      JSON.parse('{"__proto__": 2}') as Json,
      [{ what: 'changed', path: '__proto__', before: 1, after: 2 }],
    ],
  ])('%s', (_, before, after, changes) => {
    expect(findChanges(before, after)).toEqual(changes);
  });

  test('none against itself, and some against anything else', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (left, right) => {
        expect(findChanges(left, left)).toEqual([]);
        // Order is all that may differ without a change, and only in objects and keyed lists.
        if (findChanges(left, right).length === 0) expect(canonicalText(right)).toBe(canonicalText(left));
      }),
    );
  });
});

describe('parts of a pod', () => {
  test('a container that moves from one list to the other goes and comes', () => {
    const container = { name: 'istio-proxy', image: 'auto' };
    const before = { spec: { containers: [{ name: 'app' }, container] } };
    const after = {
      spec: { initContainers: [{ ...container, restartPolicy: 'Always' }], containers: [{ name: 'app' }] },
    };
    expect(findChangedParts(before, after).map(({ kind, name, what }) => [what, kind, name])).toEqual([
      ['added', 'native sidecar', 'istio-proxy'],
      ['removed', 'container', 'istio-proxy'],
    ]);
  });

  test('everything else of the pod is said too', () => {
    expect(findChangedParts({ spec: { hostIPC: false } }, { spec: { hostIPC: true } })).toEqual([
      {
        kind: 'pod',
        name: '',
        what: 'changed',
        changes: [{ what: 'changed', path: 'spec.hostIPC', before: false, after: true }],
      },
    ]);
  });

  test('a pod does not differ from itself', () => {
    fc.assert(
      fc.property(anyPod, (pod: JsonObject) => expect(findChangedParts(pod, structuredClone(pod))).toEqual([])),
    );
  });
});
