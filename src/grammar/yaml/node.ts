import { isScalar, Scalar, type Pair } from 'yaml';
import { PlainValue } from './tags.ts';
import { resolveTagged, YamlNumber, type ScalarValue } from './scalar.ts';

/** A node that has no value in Kubernetes, and why. */
export class Unfit extends Error {
  readonly node: unknown;

  constructor(message: string, node: unknown) {
    super(message);
    this.node = node;
  }
}

/** What a parsed scalar means. Throws `Unfit` if its tag does not fit its text. */
export function readScalar(node: Scalar): ScalarValue {
  const { value, tag } = node;
  if (value instanceof PlainValue) return value.value;
  if (tag === undefined || typeof value !== 'string') return value as ScalarValue;
  const tagged = resolveTagged(tag, value);
  if ('value' in tagged) return tagged.value;
  throw new Unfit(tagged.problem, node);
}

/** Writes a float as Go's `strconv.FormatFloat` does with 32 bits, which is how keys are written. */
function formatFloat(value: number): string {
  const single = Math.fround(value);
  if (!Number.isFinite(single) || Object.is(single, -0)) return single === 0 ? '-0' : single > 0 ? '.inf' : '-.inf';
  const shortest = [1, 2, 3, 4, 5, 6, 7, 8, 9].find(
    (digits) => Math.fround(Number(single.toPrecision(digits))) === single,
  );
  const [mantissa = '', exponent = '0'] = single.toExponential((shortest ?? 9) - 1).split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(`${mantissa}e${power}`));
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** The text of a parsed key, or of a value that stands for one. Throws `Unfit` if it has none. */
export function readKey(key: unknown): string {
  if (!isScalar(key)) throw new Unfit('a key must be plain text; write quotes around it', key);
  const value = readScalar(key);
  if (value instanceof YamlNumber) {
    if (!Number.isFinite(value.value)) return value.digits.toLowerCase().replace('+', '');
    if (!value.isWhole) return formatFloat(value.value);
    if (BigInt(value.digits) > 0x7fff_ffff_ffff_ffffn)
      throw new Unfit('a number of 64 bits is no key; write quotes around it', key);
    return value.digits;
  }
  if (value === null) throw new Unfit('null is no key; write quotes around it', key);
  return String(value);
}

/** Whether the pair is a merge key (`<<: *base`). In quotes it is an ordinary key. */
export function isMergePair(pair: Pair): boolean {
  const { key } = pair;
  if (!isScalar(key) || key.value !== '<<') return false;
  if (key.tag === undefined) return key.type === Scalar.PLAIN;
  return key.tag === '!' || key.tag === 'tag:yaml.org,2002:merge';
}
