import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { readFragment, writeFragment } from '../../../src/playground/share-link.ts';

const question = {
  manifest: 'kind: Pod # ÄÖ 🚀\n'.repeat(500),
  settings: 'a: b',
  namespace: 'shop',
  namespaceLabels: 'a=b',
};

function fragmentOf(text: string): string {
  return `v1=${deflateRawSync(text).toString('base64url')}`;
}

describe('the link of the playground', () => {
  test('gives back what was written, in a short form', async () => {
    const fragment = await writeFragment(question);
    expect(await readFragment(fragment)).toEqual(question);
    expect(fragment.length).toBeLessThan(300);
    expect(fragment).toMatch(/^v1=[\w-]+$/);
  });

  test.each([
    ['v2=abc', 'the link is not of this page: it begins with "v2"; allowed: v1'],
    ['v1=!', 'the link cannot be read'],
    ['v1=abcdef', 'the link cannot be read'],
    [fragmentOf('["a"]'), 'the link cannot be read (other fields than these): copy it whole'],
    [fragmentOf('[1, 2, 3, 4]'), 'the link cannot be read (other fields than these): copy it whole'],
    [fragmentOf('{"manifest": "a"}'), 'the link cannot be read (other fields than these): copy it whole'],
    [fragmentOf('x'), 'the link cannot be read'],
  ])('%s is refused', async (fragment, message) => {
    await expect(readFragment(fragment)).rejects.toThrow(message);
  });

  test('one that was cut off is refused', async () => {
    const fragment = await writeFragment(question);
    await expect(readFragment(fragment.slice(0, -20))).rejects.toThrow('the link cannot be read');
  });

  test('a short link cannot ask for a gigabyte', async () => {
    const bomb = fragmentOf(' '.repeat(100_000_000));
    expect(bomb.length).toBeLessThan(200_000);
    await expect(readFragment(bomb)).rejects.toThrow('would unpack to more than 8000000 bytes');
  });
});
