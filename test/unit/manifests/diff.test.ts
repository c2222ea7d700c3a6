import { describe, expect, test } from '@jest/globals';
import { applyPatch } from 'diff';
import { diffDocuments, type Revision } from '../../../src/manifests/diff.ts';

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');
}

const same = (text: string): Revision => ({ before: text, after: text });

describe('diffDocuments', () => {
  test('is empty when nothing changed', () => {
    expect(diffDocuments('a.yaml', [same('a: 1\n'), same('---\nb: 2\n')])).toBe('');
  });

  test('shows three lines around a change, across documents', () => {
    const diff = diffDocuments('/dir/a.yaml', [
      same(lines(0, 5)),
      { before: 'x: 1\n', after: 'x: 2\n' },
      same(lines(5, 10)),
    ]);
    expect(diff).toBe(
      '--- a/dir/a.yaml\n+++ b/dir/a.yaml\n@@ -3,7 +3,7 @@\n line 2\n line 3\n line 4\n-x: 1\n+x: 2\n line 5\n line 6\n line 7\n',
    );
  });

  test.each<[string, readonly Revision[]]>([
    [
      'changes that touch',
      [
        { before: 'a\n', after: 'b\n' },
        { before: 'c\n', after: 'c\nd\n' },
      ],
    ],
    ['changes far apart', [{ before: 'a\n', after: 'b\n' }, same(lines(0, 20)), { before: 'c\n', after: '' }]],
    ['an insertion at the start', [{ before: lines(0, 3), after: `new\n${lines(0, 3)}` }]],
    ['no line break at the end', [same('a\n'), { before: 'b', after: 'c' }]],
    ['a line break that comes', [{ before: 'b', after: 'b\n' }]],
    ['Windows line breaks', [{ before: 'a\r\nb\r\n', after: 'a\r\nc\r\n' }]],
    ['documents on one line', [same('{"a":1}'), { before: '{"b":1}\n', after: '{"b":2}\n' }]],
  ])('can be applied: %s', (_what, revisions) => {
    const before = revisions.map((revision) => revision.before).join('');
    const after = revisions.map((revision) => revision.after).join('');
    expect(applyPatch(before, diffDocuments('x', revisions))).toBe(after);
  });
});
