import { describe, expect, test } from '@jest/globals';
import { splitStream } from '../../../src/yaml/stream.ts';

describe('splitStream', () => {
  test.each<[string, string, readonly string[]]>([
    ['an empty text', '', []],
    ['one document', 'a: 1\n', ['a: 1\n']],
    ['a separator in front', '---\na: 1\n', ['---\na: 1\n']],
    ['a separator at the end', 'a: 1\n---\n', ['a: 1\n', '---\n']],
    ['a separator without line break', 'a: 1\n---', ['a: 1\n', '---']],
    ['two documents', 'a: 1\n---\nb: 2\n', ['a: 1\n', '---\nb: 2\n']],
    ['a comment behind the separator', 'a: 1\n--- # two\nb: 2\n', ['a: 1\n', '--- # two\nb: 2\n']],
    ['windows line breaks', 'a: 1\r\n---\r\nb: 2\r\n', ['a: 1\r\n', '---\r\nb: 2\r\n']],
    ['a byte order mark', '\uFEFF---\na: 1\n', ['\uFEFF---\na: 1\n']],
    ['an end marker', 'a: 1\n...\nb: 2\n', ['a: 1\n...\n', 'b: 2\n']],
    ['directives belong to the next document', '%YAML 1.1\n---\na: 1\n', ['%YAML 1.1\n---\na: 1\n']],
    ['directives after an end marker', 'a: 1\n...\n%YAML 1.1\n---\nb: 2\n', ['a: 1\n...\n', '%YAML 1.1\n---\nb: 2\n']],
    ['dashes in a block scalar', 'a: |\n  ---\n  b\n', ['a: |\n  ---\n  b\n']],
    ['more than three dashes', 'a: 1\n----\n', ['a: 1\n----\n']],
    ['a Unicode line separator is no line break', 'a: "\u2028--- b"\n', ['a: "\u2028--- b"\n']],
    ['JSON objects in a row', '{"a":1}\n{"b":"}"}\n', ['{"a":1}', '\n{"b":"}"}\n']],
    ['JSON objects without space', '{"a":"\\"}{"}{"b":2}', ['{"a":"\\"}{"}', '{"b":2}']],
    ['a flow map is one document', '{a: 1}\n', ['{a: 1}\n']],
  ])('cuts %s', (_what, text, chunks) => {
    expect(splitStream(text).map((chunk) => chunk.text)).toEqual(chunks);
  });

  test('tells the line where each chunk begins', () => {
    expect(splitStream('a: 1\n\n---\nb: 2\n---\nc: 3\n').map((chunk) => chunk.line)).toEqual([1, 3, 5]);
  });
});
