import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

/** A number or another scalar in the notation of its manifest. */
class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Tree = string | Written | readonly Tree[] | { readonly [key: string]: Tree };

const numbers = [
  '9007199254740993', '12345678901234567890', '-0', '1.0', '1E5', '1e-400', '0.10', '-12.50e+03', '0', '1e23', '123456789.123456789123',
]; // prettier-ignore
const jsonLeaf = fc.oneof(
  fc.constantFrom(...numbers, 'true', 'null', '"\\u0041\\/"', '"é\\ud800"', '"a\\nb"').map((text) => new Written(text)),
  fc.string(),
);
const yamlLeaf = fc.oneof(
  fc
    .constantFrom(
      ...numbers,
      '99999999999999999999999',
      '0x1F',
      '0644',
      '1_000',
      '.5',
      '1e400',
      '12e4567',
      'e3',
      'yes',
      '~',
      "'it''s'",
      '2001-01-01',
      '12:30:45',
      '!!binary aGVsbG8=',
      '"\\x41"',
      '+1',
      'plain # comment',
      '!own x',
    ) // prettier-ignore
    .map((text) => new Written(text)),
  fc.constantFrom('', 'text', 'a: b', 'two\nlines\n', ' x'),
);
const key = fc.constantFrom('a', 'b', 'c', 'd', 'x/y', 'z~', 'e3', '7');

function treeOf(leaf: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> {
  return fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).tree;
}

const port = (text: string): Tree => new Written(text);

/** Objects that are injected or not, with free fields where Kubernetes or a resource of one's own could have them. */
function objectOf(leaf: fc.Arbitrary<Tree>): fc.Arbitrary<{ readonly isPod: boolean; readonly tree: Tree }> {
  const tree = treeOf(leaf);
  const optional = (name: string, value: fc.Arbitrary<Tree>): fc.Arbitrary<{ readonly [key: string]: Tree }> =>
    fc.option(value, { nil: undefined }).map((some) => (some === undefined ? {} : { [name]: some }));
  const texts = fc.dictionary(fc.constantFrom('a', 'b', 'example.com/x'), fc.constantFrom('1', 'x', ''), {
    noNullPrototype: true,
  });
  const metadata = fc
    .tuple(optional('labels', texts), optional('annotations', texts), optional('extra', tree))
    .map((parts): { readonly [key: string]: Tree } => Object.assign({}, ...parts));
  const probe: Tree = { httpGet: { path: '/ready', port: port('8080') }, periodSeconds: port('10') };
  const container = fc
    .tuple(optional('readinessProbe', fc.constant(probe)), optional('extra', tree), optional('ports', fc.constant([])))
    .map((parts): Tree => ({ name: 'app', image: 'app:1', ...Object.assign({}, ...parts) }));
  const podSpec = fc
    .tuple(
      container,
      optional('volumes', fc.constantFrom<Tree>([], [{ name: 'v', emptyDir: {} }])),
      optional('extra', tree),
    )
    .map(([one, ...parts]): Tree => ({ containers: [one], ...Object.assign({}, ...parts) }));
  const pod = fc
    .tuple(metadata, podSpec)
    .map(([meta, spec]): Tree => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', ...meta }, spec }));
  const deployment = fc.tuple(metadata, metadata, podSpec, tree).map(([outer, meta, spec, extra]): Tree => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', ...outer },
    spec: { extra, template: { metadata: meta, spec } },
  }));
  const other = fc.tuple(metadata, tree).map(([meta, spec]): Tree => ({
    apiVersion: 'example.com/v1',
    kind: 'Other',
    metadata: { name: 'x', ...meta },
    spec,
  }));
  return fc.oneof(
    pod.map((one) => ({ isPod: true, tree: one })),
    deployment.map((one) => ({ isPod: true, tree: one })),
    other.map((one) => ({ isPod: false, tree: one })),
  );
}

interface JsonStyle {
  readonly indent: string;
  readonly colon: string;
  readonly comma: string;
}

function printJson(tree: Tree, style: JsonStyle, margin = ''): string {
  if (typeof tree === 'string') return JSON.stringify(tree);
  if (tree instanceof Written) return tree.text;
  const parts = Array.isArray(tree)
    ? (tree as readonly Tree[]).map((item) => ['', item] as const)
    : Object.entries(tree as { readonly [key: string]: Tree }).map(
        ([name, item]) => [JSON.stringify(name) + style.colon, item] as const,
      );
  const [open, close] = Array.isArray(tree) ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  const deeper = margin + style.indent;
  const [start, end] = style.indent === '' ? ['', ''] : [`\n${deeper}`, `\n${margin}`];
  const comma = style.indent === '' ? style.comma : ',';
  return open + parts.map(([head, item]) => start + head + printJson(item, style, deeper)).join(comma) + end + close;
}

interface YamlStyle {
  readonly indent: number;
  readonly listIndent: number;
  readonly next: () => number;
}

/** Prints a tree as YAML: comments, blank lines, flow collections, block scalars, anchors, as the numbers choose. */
function printYaml(tree: Tree, { indent, listIndent, next }: YamlStyle): string {
  const lines: string[] = [];
  const anchors: string[] = [];
  const scalar = (leaf: string | Written, column: number): string => {
    if (leaf instanceof Written) return leaf.text;
    if (leaf.endsWith('\n') && leaf !== '\n') {
      return `|\n${leaf.trimEnd().split('\n').map((line) => ' '.repeat(column + 2) + line).join('\n')}`; // prettier-ignore
    }
    return /^[a-z]+$/.test(leaf) && next() % 2 === 0 ? leaf : JSON.stringify(leaf);
  };
  const isFlat = (one: Tree): boolean => typeof one === 'string' || one instanceof Written;
  const hasComment = (one: Tree): boolean =>
    one instanceof Written ? one.text.includes('#') : typeof one !== 'string' && Object.values(one).some(hasComment);
  const flow = (one: Tree): string => {
    if (one instanceof Written) return one.text;
    if (typeof one === 'string') return JSON.stringify(one);
    if (Array.isArray(one)) return `[${(one as readonly Tree[]).map(flow).join(', ')}]`;
    const members = Object.entries(one as { readonly [key: string]: Tree });
    return `{${members.map(([name, item]) => `${JSON.stringify(name)}: ${flow(item)}`).join(', ')}}`;
  };
  const block = (one: Tree, column: number, lead: string, free: boolean): void => {
    const margin = ' '.repeat(column);
    let start = lead === '' ? margin : lead;
    const isList = Array.isArray(one);
    for (const [name, inner] of Object.entries(one as { readonly [key: string]: Tree })) {
      if (start === margin && next() % 6 === 0) lines.push(`${margin}# ${next() % 100}`);
      if (start === margin && next() % 9 === 0) lines.push('');
      const head = isList
        ? `${start}-`
        : `${start}${/^[a-z]\w*$/i.test(name) && name !== 'e3' ? name : JSON.stringify(name)}:`;
      start = margin;
      const isFree = free || name === 'extra';
      const beside = next() % 6 === 0 ? '  # beside' : '';
      if (isFlat(inner)) {
        const text = scalar(inner as string | Written, column);
        if (isFree && next() % 5 === 0 && !text.startsWith('!') && anchors.length < 3) {
          anchors.push(`n${anchors.length}`);
          lines.push(`${head} &${anchors.at(-1)} ${text}`);
        } else if (isFree && next() % 7 === 0 && anchors.length > 0) {
          lines.push(`${head} *${anchors.at(-1)}`);
        } else {
          lines.push(`${head} ${text}${text.includes('\n') || text.includes('#') ? '' : beside}`);
        }
      } else if (Object.keys(inner).length === 0 || (!hasComment(inner) && next() % 6 === 0)) {
        lines.push(`${head} ${flow(inner)}${beside}`);
      } else if (isList && !Array.isArray(inner)) {
        block(inner, column + 2, `${head} `, isFree);
      } else {
        lines.push(`${head}${beside}`);
        block(inner, column + (isList ? 2 : Array.isArray(inner) ? listIndent : indent), '', isFree);
      }
    }
  };
  block(tree, 0, '', false);
  return lines.join('\n');
}

/** Numbers that follow from a seed (a linear congruential generator), for the choices of the printer. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 12;
  };
}

const jsonStyle = fc.record({
  indent: fc.constantFrom('', '  ', '    ', '\t'),
  colon: fc.constantFrom(':', ': '),
  comma: fc.constantFrom(',', ', '),
});
const jsonDocument = fc
  .tuple(objectOf(jsonLeaf), jsonStyle)
  .map(([{ isPod, tree }, style]) => ({ isPod, text: printJson(tree, style) }));
const yamlDocument = fc
  .tuple(objectOf(yamlLeaf), fc.constantFrom(2, 4), fc.constantFrom(0, 2), fc.nat())
  .map(([{ isPod, tree }, indent, listIndent, seed]) => ({
    isPod,
    text: printYaml(tree, { indent, listIndent, next: numbersFrom(seed) }),
  }));

const stream = fc.record({
  documents: fc.array(fc.oneof(jsonDocument, { weight: 2, arbitrary: yamlDocument }), { minLength: 1, maxLength: 3 }),
  mark: fc.constantFrom('', '\uFEFF'),
  lineBreak: fc.constantFrom('\n', '\r\n'),
  ended: fc.boolean(),
});

describe('inject, then uninject', () => {
  test('gives every byte back, and leaves what is not injected alone', async () => {
    let returned = 0;
    await fc.assert(
      fc.asyncProperty(stream, async ({ documents, mark, lineBreak, ended }) => {
        const texts = documents.map(({ text }) => text.replaceAll('\n', lineBreak));
        const text = mark + texts.join(`${lineBreak}---${lineBreak}`) + (ended ? lineBreak : '');
        const injected = await runCommand(['inject', '-f', '-'], text);
        expect(injected.stderr).not.toContain('unexpected fault');
        expect({ code: injected.code, stderr: injected.stderr }).toMatchObject({ code: 0 });
        documents.forEach(({ isPod }, index) => {
          if (!isPod) expect(injected.stdout).toContain(texts[index]);
        });
        const back = await runCommand(['uninject', '-f', '-'], injected.stdout);
        expect(back.stderr).not.toContain('unexpected fault');
        expect(back.code).toBe(0);
        // Only this remark may come with other bytes.
        if (`${injected.stderr}${back.stderr}`.includes('printed anew')) return;
        expect(back.stdout).toBe(text);
        returned += 1;
      }),
      { numRuns: 300 },
    );
    expect(returned).toBeGreaterThan(200);
  }, 120_000);
});
