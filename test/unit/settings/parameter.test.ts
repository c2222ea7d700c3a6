import { describe, expect, test } from '@jest/globals';
import { parameterGrammar } from '../../../src/settings/parameter.ts';
import type { Parameter } from '../../../src/settings/schema/template.ts';

const read = (parameter: Partial<Parameter>, text: string) =>
  parameterGrammar({ annotation: 'a/b', field: '/x', type: 'string', ...parameter }).parse(text);

describe('values of parameters', () => {
  test.each<[Partial<Parameter>, string]>([
    [{}, ''],
    [{}, 'any text, with $(THIS) and "that"'],
    [{ pattern: '[a-z]+' }, 'abc'],
    [{ enum: ['forward', 'stdout'] }, 'stdout'],
    [{ type: 'integer', minimum: 1, maximum: 65_535 }, '65535'],
    [{ type: 'boolean' }, 'true'],
    [{ type: 'quantity', maximum: '1Gi' }, '1024Mi'],
    [{ type: 'path' }, '/var/log/app'],
    [{ type: 'secretName' }, 'web.example-tls'],
    [{ type: 'image', allowed: ['registry.example.com/*'] }, 'registry.example.com/a/b:1'],
  ])('%j takes %j', (parameter, text) => expect(read(parameter, text)).toEqual({ value: text }));

  test.each<[Partial<Parameter>, string, string]>([
    [{}, 'two\nlines', String.raw`"two\nlines" is not allowed; allowed: a text without control characters`],
    [{}, 'x'.repeat(1025), 'has 1025 characters, at most 1024 are allowed'],
    [{ pattern: '[a-z]+' }, 'abc1', '"abc1" is not allowed; allowed: a text without control characters like [a-z]+'],
    [{ pattern: 'a|b' }, 'ax', '"ax" is not allowed; allowed: a text without control characters like a|b'],
    [{ enum: ['forward', 'stdout'] }, 'file', '"file" is not allowed; allowed: forward, stdout'],
    [{ type: 'integer', minimum: 1, maximum: 9 }, '0', '"0" is not allowed; allowed: an integer from 1 to 9'],
    [{ type: 'integer' }, '1e3', '"1e3" is not allowed; allowed: an integer from 0 to 9999999999'],
    [{ type: 'boolean' }, 'yes', '"yes" is not allowed; allowed: true, false'],
    [
      { type: 'quantity', minimum: '1Mi', maximum: '1Gi' },
      '2Gi',
      '"2Gi" is not allowed; allowed: a Kubernetes quantity such as 100m or 128Mi from 1Mi up to 1Gi',
    ],
    [{ type: 'path' }, '/var/../etc', '"/var/../etc" is not allowed; allowed: an absolute path without ":" and ".."'],
    [{ type: 'path' }, 'var/log', '"var/log" is not allowed; allowed: an absolute path without ":" and ".."'],
    [{ type: 'secretName' }, '../x', '"../x" is not allowed; allowed: the name of a Secret'],
    [{ type: 'image', allowed: ['a/*'] }, 'b/c:1', '"b/c:1" is not allowed; allowed: a/*'],
  ])('%j refuses %j', (parameter, text, problem) => expect(read(parameter, text)).toEqual({ problem }));
});
