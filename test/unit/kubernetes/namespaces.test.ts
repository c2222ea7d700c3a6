import { describe, expect, test } from '@jest/globals';
import { readNamespaceAnnotations } from '../../../src/kubernetes/namespaces.ts';
import type { JsonObject } from '../../../src/json/json.ts';

describe('annotations of namespaces', () => {
  test('page by page, those under the prefix alone', async () => {
    const asked: string[] = [];
    const pages: JsonObject[] = [
      {
        metadata: { continue: 'a/b' },
        items: [
          { metadata: { name: 'one', annotations: { 'p.io/x': '1', 'other.io/y': '2' } } },
          { metadata: { name: 'none' } },
        ],
      },
      { metadata: {}, items: [{ metadata: { name: 'two', annotations: { 'p.io/z': '3' } } }] },
    ];
    const client = {
      get: async (path: string) => {
        asked.push(path);
        return { body: pages[asked.length - 1] ?? {} };
      },
    };
    expect([...(await readNamespaceAnnotations(client, 'p.io/'))]).toEqual([
      ['one', { 'p.io/x': '1' }],
      ['two', { 'p.io/z': '3' }],
    ]);
    expect(asked).toEqual(['/api/v1/namespaces?limit=500', '/api/v1/namespaces?limit=500&continue=a%2Fb']);
  });
});
