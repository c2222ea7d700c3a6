import { describe, expect, test } from '@jest/globals';
import * as grammars from '../../../src/grammar/grammar.ts';
import { parseQuantity } from '../../../src/grammar/quantity.ts';
import { suggest } from '../../../src/grammar/suggestion.ts';
import { matchesWildcard } from '../../../src/grammar/wildcard.ts';

function read(grammar: grammars.Grammar<unknown>, text: string): unknown {
  const parsed = grammar.parse(text);
  return 'problem' in parsed ? undefined : parsed.value;
}

const single = (port: number) => ({ first: port, last: port });

describe('ports', () => {
  test.each<[string, unknown]>([
    ['80', [single(80)]],
    ['80,443', [single(80), single(443)]],
    [' 80 , 443 ', [single(80), single(443)]],
    ['8000-8100', [{ first: 8000, last: 8100 }]],
    ['0', [single(0)]],
    ['65535', [single(65_535)]],
    ['', []],
    [' ', []],
    ['80,80', [single(80), single(80)]],
    ['65536', undefined],
    ['-1', undefined],
    ['080', undefined],
    ['1e3', undefined],
    ['0x50', undefined],
    ['80,', undefined],
    [',80', undefined],
    ['80-', undefined],
    ['-80', undefined],
    ['90-80', undefined],
    ['1-2-3', undefined],
    ['80;rm', undefined],
    ['80\n443', undefined],
    ['*', undefined],
    ['８０', undefined],
    [Array.from({ length: 257 }, () => '1').join(','), undefined],
  ])('%j', (text, value) => expect(read(grammars.portList, text)).toEqual(value));

  test('a list of all takes the asterisk', () => {
    expect(read(grammars.portListOrAll, '*')).toBe('all');
    expect(read(grammars.portListOrAll, '*,80')).toBeUndefined();
    expect(grammars.portListOrAll.parse('x')).toEqual({
      problem: '"x" is not allowed; allowed: * or a comma list of ports 0-65535 and ranges such as 8000-8100',
    });
  });
});

describe('CIDRs', () => {
  test.each([
    ['10.0.0.0/8', true],
    ['127.0.0.1/24', true],
    ['0.0.0.0/0', true],
    ['::/0', true],
    ['2001:db8::/32', true],
    ['::ffff:1.2.3.4/128', true],
    ['1:2:3:4:5:6:7:8/128', true],
    ['fe80::1/64', true],
    ['10.0.0.0', false],
    ['10.0.0.0/33', false],
    ['10.0.0/8', false],
    ['10.0.0.256/8', false],
    ['010.0.0.0/8', false],
    ['::/129', false],
    [':::/0', false],
    ['1::2::3/64', false],
    ['1:2:3:4:5:6:7:8:9/128', false],
    ['1:2:3:4:5:6:7::8/128', false],
    ['12345::/16', false],
    ['fe80::1%eth0/64', false],
    ['::1.2.3/96', false],
    ['::1.2.3.4/128', true],
    ['::ffff:1.2.3.4/128', true],
    ['::ffff:01.2.3.4/128', false],
    ['1.2.3.4::/128', false],
    ['0x7f.0.0.1/8', false],
    ['2130706433/8', false],
    ['10.0.0.0/', false],
    ['10.0.0.0/-1', false],
    ['10.0.0.0/ 8', false],
    ['10.0.0.0/8/8', false],
    ['10.0.0.0/08', false],
    ['$(id)/8', false],
    ['', false],
  ])('%j', (text, valid) => expect(grammars.isCidr(text)).toBe(valid));
});

describe('other words', () => {
  test.each<[string, grammars.Grammar<unknown>, string, unknown]>([
    ['interface', grammars.interfaceList, 'eth0,net-1', ['eth0', 'net-1']],
    ['interface of 15', grammars.interfaceList, 'a23456789012345', ['a23456789012345']],
    ['interface of 16', grammars.interfaceList, 'a234567890123456', undefined],
    ['interface with a blank', grammars.interfaceList, 'eth 0', undefined],
    ['interface that is an option', grammars.interfaceList, '-j', undefined],
    ['interface with rules', grammars.interfaceList, 'eth0 -j ACCEPT', undefined],
    ['quantity', grammars.quantity, '100m', '100m'],
    ['quantity with a newline', grammars.quantity, '1\nprivileged: true', undefined],
    ['strict boolean', grammars.trueOrFalse, 'True', undefined],
    ["Go's boolean", grammars.looseBoolean, 'True', true],
    ["not Go's boolean", grammars.looseBoolean, 'maybe', undefined],
    ['log level', grammars.logLevel, 'debug', 'debug'],
    ['unknown log level', grammars.logLevel, 'loud', undefined],
    ['component levels', grammars.componentLogLevel, 'misc:error,http2:debug', 'misc:error,http2:debug'],
    ['component without level', grammars.componentLogLevel, 'misc', undefined],
    ['component with a quote', grammars.componentLogLevel, 'misc:error"', undefined],
    [
      'image',
      grammars.imageReference,
      'registry.example.com:5000/a/envoy:v1.40.0',
      'registry.example.com:5000/a/envoy:v1.40.0',
    ],
    ['image by digest', grammars.imageReference, `e@sha256:${'a'.repeat(64)}`, `e@sha256:${'a'.repeat(64)}`],
    ['image with a blank', grammars.imageReference, 'envoy v1', undefined],
    ['image with a newline', grammars.imageReference, 'envoy\n', undefined],
    ['templates', grammars.templateList, 'sidecar, log-shipper', ['sidecar', 'log-shipper']],
    ['a template twice', grammars.templateList, 'sidecar,sidecar', ['sidecar']],
    ['no template', grammars.templateList, '', undefined],
    ['integer', grammars.integer(0, 65_535), '15020', 15_020],
    ['integer above', grammars.integer(0, 65_535), '65536', undefined],
  ])('%s: %j', (_name, grammar, text, value) => expect(read(grammar, text)).toEqual(value));

  test.each<[string, number | undefined]>([
    ['1', 1],
    ['100m', 0.1],
    ['1Ki', 1024],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['.5', 0.5],
    ['5.', 5],
    ['+1', 1],
    ['1e9', 1e9],
    ['1E3', 1000],
    ['1E', 1e18],
    ['0', 0],
    ['-1', undefined],
    ['1 Gi', undefined],
    ['1gi', undefined],
    ['', undefined],
    ['.', undefined],
    ['1e9999', undefined],
    ['0x10', undefined],
  ])('quantity %j is %p', (text, value) => {
    const parsed = parseQuantity(text);
    if (value === undefined) expect(parsed).toBeUndefined();
    else expect(parsed).toBeCloseTo(value, 9);
  });
});

describe('names', () => {
  test.each([
    ['kube-*', 'kube-system', true],
    ['kube-*', 'kubesystem', false],
    ['*', '', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'ac', false],
    ['ab*ba', 'aba', false],
    ['*-x', 'a-x', true],
    ['team', 'team', true],
    ['team', 'teams', false],
  ])('pattern %s and %s: %p', (pattern, name, matches) => expect(matchesWildcard(pattern, name)).toBe(matches));

  test.each([
    ['proxyCPPU', 'proxyCPU'],
    ['proxyCPULimt', 'proxyCPULimit'],
    ['something-else', undefined],
    ['x'.repeat(500), undefined],
  ])('%s suggests %p', (unknown, suggestion) => {
    expect(suggest(unknown, ['proxyCPU', 'proxyCPULimit', 'proxyMemory'])).toBe(suggestion);
  });

  test('a long text gets none, because a comparison takes as long as both lengths multiplied', () => {
    const known = (length: number): string[] => [`${'a'.repeat(length - 1)}b`];
    expect(suggest('a'.repeat(128), known(128))).toBe(known(128)[0]);
    expect(suggest('a'.repeat(129), known(129))).toBeUndefined();
  });
});
