/** Picks of a linear congruential generator, which follow from the seed. */
export interface Chance {
  /** A whole number below the limit. */
  readonly below: (limit: number) => number;
  readonly pick: <T>(list: readonly T[]) => T;
}

export function createChance(seed: number): Chance {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number] };
}

const characters = '+-._~019aefxXoObByYnN:'.split('');
const pieces = [
  '+', '-', '.', '_', 'e', 'E', '0', '1', '7', '8', '9', '0x', '0X', '0o', '0O', '0b', '0B', 'ff', 'inf', 'Inf', 'nan',
  'NaN', '400', '18446744073709551615', '9223372036854775807', '9223372036854775808', '00', '12', 'true', 'no', 'null',
  '~', '<<', ':', '2001-01-01', 'T', 'Z', '1e400', '123456789012345678901', '0777777777777777777777777',
]; // prettier-ignore

/** Short plain scalars: every one of up to three characters that numbers and words are made of, and longer ones. */
export function plainScalars(count: number, { below, pick }: Chance): string[] {
  const texts = new Set<string>();
  for (const one of ['', ...characters]) {
    for (const two of ['', ...characters]) for (const three of ['', ...characters]) texts.add(one + two + three);
  }
  while (texts.size < count) texts.add(Array.from({ length: 1 + below(5) }, () => pick(pieces)).join(''));
  return [...texts].filter((text) => !/:$|^-$|^---/.test(text));
}

const dateParts = [
  ['2001', '1900', '0000', '2000', '201'],
  ['-'],
  ['1', '12', '13', '02', '0'],
  ['-'],
  ['1', '31', '29', '30', '0'],
  ['', 'T', 't', ' ', '  '],
  ['', '1:2:3', '23:59:59', '24:00:00', '10:60:00', '01:02'],
  ['', '.5', '.', '.123456789012', ',5'],
  ['', 'Z', 'z', '+01:00', '-24:60', '+25:00', ' Z'],
];

/** Texts like dates and times. */
export function dates(count: number, { pick }: Chance): string[] {
  return Array.from({ length: count }, () => dateParts.map((part) => pick(part)).join(''));
}

const values = [
  'x', 'yes', 'e1', '1', '0x1F', '"q"', "'s'", '"two\nlines"', '"a\n\n  b"', "'x\n   y'", 'two words', 'http://x/y?z=1',
  'a#b', '-', '~', '', '*a', '&a x', '!!str 1', '!t x', '[1, 2]', '{b: 1}', '[a:b, c: d]', '{a:, b}', '"\\\n z"', "it's",
  '-1', '.', '"é\u2028x"', '"\u0085 n"', '[\n1,\n2]', '["\nx\n"]', '{\n a: 1,\nb: "x\ny"}', '[]', '{}', '<<', ':x', '?x',
  'x :y', '[x :y]', '[x: y]', '["x":y]', '[? x]', '{x: [y], "z":w}', 'a\tb', "''", '""', '[a, [b, {c: d}]]', '2001-01-01',
  '!!binary aGVsbG8=', '[!!str 1, &b 2, *b]', '[#c\n1]', '[a:]', '!!float 3', '1e400', '{<<: {a: 1}, b: 2}',
]; // prettier-ignore
const keys = [
  'a', 'b', '"c"', "'d'", 'e f', '1', 'yes', 'h ', '<<', '&k i', '!!str j', 'x-y/z', '"q\\"r"', '*a ', '-k', ':l', 'm:n',
  "'<<'", '0x10', '1.5', '1e30', '2001-01-01', '.inf',
]; // prettier-ignore
const comments = ['', '', '', '', ' # c', '#c', '  # x: y', '\t# t'];
const headers = ['|', '>', '|-', '>-', '|+', '>+', '|2', '>1-', '| # c'];
const blockLines = ['x', ' more', '# no', 'k: v', '- z', '"q', '', '\tt', '...'];

/** A document in block notation with what readers of YAML disagree about: indentation, quotes over lines, comments. */
export function blockDocument(chance: Chance, column = 0, depth = 2): string {
  const { below, pick } = chance;
  const margin = ' '.repeat(column);
  const isList = below(3) === 0;
  let text = '';
  for (let left = below(3); left >= 0; left--) {
    if (below(12) === 0) text += pick(['\n', ' \n', `${margin}# c\n`, '# c\n', ' # c\n']);
    const head = isList ? '-' : `${pick(keys)}:`;
    const kind = below(10);
    if (depth > 0 && kind < 2 && isList) {
      text += `${margin}- ${blockDocument(chance, column + 2, depth - 1).trimStart()}`;
    } else if (depth > 0 && kind < 4) {
      text += `${margin}${head}${pick(comments)}\n${blockDocument(chance, column + pick([2, 1, 4]), depth - 1)}`;
    } else if (kind === 4) {
      const inner = ' '.repeat(column + pick([1, 2, 2, 3]));
      const lines = Array.from({ length: 1 + below(4) }, () => pick([`${inner}${pick(blockLines)}`, '', ' ']));
      text += `${margin}${head} ${pick(headers)}\n${lines.join('\n')}\n`;
    } else {
      const value = pick(values).replaceAll('\n', `\n${' '.repeat(below(4))}`);
      text += `${margin}${head} ${value}${pick(comments)}\n`;
    }
  }
  return text;
}
