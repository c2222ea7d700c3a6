import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { root } from '../../scripts/checkout.ts';
import { canonicalText } from '../../src/json/json.ts';
import { printAsJson } from '../../src/manifests/json-output.ts';
import { readManifests } from '../../src/manifests/manifest.ts';
import { blockDocument, createChance, dates, plainScalars } from '../support/builders/yaml-texts.ts';

const answers = z.array(
  z.object({ documents: z.array(z.string()), problem: z.string().optional(), incomplete: z.boolean().optional() }),
);
type Reading = z.infer<typeof answers>[number];

/** What kubectl reads, by the Go packages that it is built from. */
function readByKubectl(texts: readonly string[]): Reading[] {
  const program = process.env['YAML_READER_BIN'];
  if (program === undefined) throw new Error('YAML_READER_BIN is not set: `make test-apiserver` builds the reader');
  const { stdout, stderr, status } = spawnSync(program, { input: JSON.stringify(texts), maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(String(stderr));
  return answers.parse(JSON.parse(String(stdout)));
}

/** A number as the API server takes it: whole ones of 64 bits with every digit, others as floats. */
function numberText(digits: string): string {
  const isWhole = /^-?\d+$/.test(digits) && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
  return isWhole ? String(BigInt(digits)) : String(Number(digits) + 0);
}

/** JSON in one notation. */
function normalised(json: string): string {
  const quoted = json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : JSON.stringify(`number ${numberText(token)}`),
  );
  return canonicalText(JSON.parse(quoted));
}

function readByUs(text: string): Reading {
  const documents: string[] = [];
  for (const manifest of readManifests({ name: 'x', text })) {
    if ('message' in manifest) return { documents, problem: manifest.message };
    if (manifest.content.format === 'empty') continue;
    const json = printAsJson([manifest.text]);
    // What is decided about is what is written, but for digits that a float has not.
    const value = canonicalText(JSON.parse(json));
    if (canonicalText(manifest.content.value) !== value) documents.push('another value');
    documents.push(normalised(json));
  }
  return { documents };
}

/** What is refused here and read by kubectl, see docs/command-line.md. */
const refused =
  /^(?:Map keys must be unique|U\+202[89] is a line break|is a text of blanks only|Block scalars with more-indented|null is no key)/;

interface Difference {
  readonly text: string;
  readonly kubectl: Reading;
  readonly we: Reading;
}

/** Texts that are read in two ways. `both`: a text that kubectl refuses must be refused here, too. */
function differences(texts: readonly string[], both: boolean): Difference[] {
  const read = readByKubectl(texts);
  return texts.flatMap((text, index): Difference[] => {
    const kubectl = read[index] ?? { documents: [] };
    const we = readByUs(text);
    if (kubectl.incomplete === true) return [];
    if (kubectl.problem !== undefined) return both && we.problem === undefined ? [{ text, kubectl, we }] : [];
    if (we.problem !== undefined && !both && refused.test(we.problem)) return [];
    const same = we.problem === undefined && we.documents.join() === kubectl.documents.map(normalised).join();
    return same ? [] : [{ text, kubectl, we }];
  });
}

describe('what kubectl reads is what we read', () => {
  const scalars = plainScalars(40_000, createChance(1));

  test('in forty thousand plain scalars', () => {
    expect(differences(scalars.map((text) => `a: ${text}\n`), true)).toEqual([]); // prettier-ignore
  }, 120_000);

  test('in keys', () => {
    const some = scalars.filter((_, index) => index % 4 === 0);
    expect(differences(some.map((text) => `${text}: 1\n`), true)).toEqual([]); // prettier-ignore
  }, 120_000);

  test('in scalars with tags, in values and keys, with and without quotes', () => {
    const tags = ['int', 'float', 'bool', 'null', 'str', 'binary', 'timestamp', 'merge', 'seq', 'set'];
    const chance = createChance(2);
    const some = [...scalars.filter((_, index) => index % 50 === 0), ...dates(400, chance), 'aGVsbG8=', '4oIx', '+eO1'];
    const texts = [...tags.map((tag) => `!!${tag}`), '!', '!own'].flatMap((tag) =>
      some.flatMap((text) => [`a: ${tag} ${text}\n`, `a: ${tag} '${text}'\n`, `${tag} '${text}': 1\n`]),
    );
    expect(differences(texts, true)).toEqual([]);
  }, 120_000);

  test('in generated documents', () => {
    const chance = createChance(3);
    const texts = Array.from({ length: 4_000 }, () => {
      const text = blockDocument(chance);
      return chance.below(15) === 0 ? text.replaceAll('\n', '\r\n') : text;
    });
    expect(readByKubectl(texts).filter(({ problem }) => problem === undefined).length).toBeGreaterThan(1_000);
    expect(differences(texts, false)).toEqual([]);
  }, 120_000);

  test('in every manifest of the repository', () => {
    const names = execFileSync('git', ['ls-files', '-z', '*.yaml', '*.yml'], { cwd: root, encoding: 'utf8' });
    const texts = names.split('\0').filter((name) => name !== '').map((name) => readFileSync(path.join(root, name), 'utf8')); // prettier-ignore
    expect(texts.length).toBeGreaterThan(40);
    expect(differences(texts, false)).toEqual([]);
  }, 120_000);
});
