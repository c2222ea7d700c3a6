/** A number of YAML: what it counts, and how JSON writes it with all its digits. */
export class YamlNumber {
  readonly value: number;
  readonly digits: string;
  /** Whether it is a whole number of 64 bits. */
  readonly isWhole: boolean;

  constructor(value: number, digits: string, isWhole: boolean) {
    this.value = value;
    this.digits = digits;
    this.isWhole = isWhole;
  }
}

/** What a scalar means. */
export type ScalarValue = string | boolean | null | YamlNumber;

const words: ReadonlyMap<string, boolean | null> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
]);

const notFinite = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

const radix: Readonly<Record<string, RegExp>> = {
  x: /^[-+]?0[xX]([\da-fA-F]+)$/,
  o: /^[-+]?0[oO]?([0-7]+)$/,
  b: /^[-+]?0[bB]([01]+)$/,
};
const decimal = /^[-+]?(?:0|[1-9]\d*)$/;
const oddBinary = /^0b([-+])([01]+)$/;
const float = /^([-+]?)(\d*)(?:\.(\d*))?((?:[eE][-+]?\d+)?)$/;

/** Whole numbers of 64 bits, with a sign or without one. Larger ones are read as floats, if they are decimal. */
function fits(whole: bigint, hasSign: boolean): boolean {
  return BigInt.asIntN(64, whole) === whole || (!hasSign && BigInt.asUintN(64, whole) === whole);
}

/** Reads a whole number as Go's `strconv.ParseInt` does with base 0, which takes `0o17`, `017`, `0x1F` and `0b11`. */
function readWhole(text: string): bigint | undefined {
  const hasSign = /^[-+]/.test(text);
  const sign = text.startsWith('-') ? -1n : 1n;
  let whole: bigint | undefined;
  if (decimal.test(text)) {
    // No number of 64 bits has more digits, and longer ones take time that grows with their square.
    whole = text.length > 21 ? undefined : sign * BigInt(text.replace(/^[-+]/, ''));
  } else {
    for (const [base, notation] of Object.entries(radix)) {
      const digits = notation.exec(text)?.[1]?.replace(/^0+(?=.)/, '');
      if (digits !== undefined && digits.length <= 64) whole = sign * BigInt(`0${base}${digits}`);
    }
  }
  if (whole !== undefined) return fits(whole, hasSign) ? whole : undefined;
  // What follows `0b` may have a sign of its own.
  const [, own, bits = ''] = oddBinary.exec(text) ?? [];
  if (own === undefined || bits.length > 64) return undefined;
  const odd = (own === '-' ? -1n : 1n) * BigInt(`0b${bits}`);
  return fits(odd, true) ? odd : undefined;
}

function readFloat(text: string): YamlNumber | undefined {
  const match = float.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  const minus = sign === '-' ? '-' : '';
  const significant = `${whole}${fraction}`.replace(/^0+/, '').length;
  // 15 digits are exact in a float, and JSON has one notation for what is a whole number in Kubernetes.
  if (Number.isSafeInteger(value) && significant <= 15) {
    return new YamlNumber(value, `${minus}${Math.abs(value)}`, false);
  }
  if (fraction === '' && exponent === '' && Math.abs(value) <= 2 ** 63) {
    return new YamlNumber(value, BigInt(value).toString(), false);
  }
  const digits = `${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}${exponent}`;
  return new YamlNumber(value, `${minus}${digits}`, false);
}

/**
 * A plain scalar as kubectl reads it, by the rules of Go's YAML 1.1 (`sigs.k8s.io/yaml`): `yes` and `y` are true, 014
 * and 0o14 are octal, `1_000` is a number. `e1`, `.`, times and numbers that no float holds are texts. `.inf` and
 * `.nan` are numbers that are not finite, which JSON cannot say.
 */
export function resolvePlain(text: string): ScalarValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (notFinite.test(text)) return new YamlNumber(Number.NaN, text, false);
  // Here Go takes underscores between digits only.
  if (text.startsWith('.')) return readFloat(text.replaceAll(/(?<=\d)_(?=\d)/g, '')) ?? text;
  if (!/^[-+\d]/.test(text)) return text;
  const plain = text.replaceAll('_', '');
  const whole = readWhole(plain);
  if (whole !== undefined) return new YamlNumber(Number(whole), String(whole), true);
  return readFloat(plain) ?? text;
}

/** Matches every plain scalar that `resolvePlain` may take for something else than a text. */
export const plainValue =
  /^(?:~?|[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|false|False|FALSE|null|Null|NULL|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\.\d[\d_]*(?:[eE][-+]?\d[\d_]*)?|(?=[-+\d])[-+]?[\d_]*(?:[xX][\da-fA-F_]+|[oO][0-7_]+|[bB][-+]?[01_]+|(?:\._*)?\d[\d._]*(?:[eE]_*[-+]?[\d_]+)?))$/;

const prefix = 'tag:yaml.org,2002:';

/** The types whose tags must fit the text, with what fits. */
const examples: ReadonlyMap<string, string> = new Map([
  ['null', 'null or ~'],
  ['bool', 'true or false'],
  ['int', 'a whole number of 64 bits'],
  ['float', 'a number'],
]);

/** What a scalar with a tag means, or why it means nothing. */
export type Tagged = { readonly value: ScalarValue } | { readonly problem: string };

/** Bytes that are UTF-8 (RFC 3629, section 4), or a single byte that is none. */
const utf8OrByte =
  /((?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+)|[^]/g;

function decodeBinary(text: string): Tagged {
  const base64 = text.replaceAll(/[\r\n]/g, '');
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/.test(base64)) {
    return { problem: '!!binary must be followed by base64' };
  }
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const decode = (bytes: string): string =>
    decoder.decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
  // Go puts the replacement character once for every byte that is no UTF-8.
  return { value: atob(base64).replaceAll(utf8OrByte, (_byte, valid?: string) => (valid ? decode(valid) : '\uFFFD')) };
}

/** Whether Go reads the text as a date, or as a date with a time. */
function isTime(text: string): boolean {
  const match = /^(\d{4})-(\d\d?)-(\d\d?)(?:([Tt]| +)(\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?(Z|[-+]\d\d:\d\d)?)?$/.exec(
    text,
  );
  if (match === null) return false;
  const [, year, month, day, between, hour = 0, minute = 0, second = 0, zone] = match;
  if (between !== undefined && between.startsWith(' ') !== (zone === undefined)) return false;
  const [zoneHour = 0, zoneMinute = 0] = zone === undefined || zone === 'Z' ? [] : zone.slice(1).split(':').map(Number);
  const isLeap = Number(year) % 4 === 0 && (Number(year) % 100 !== 0 || Number(year) % 400 === 0);
  const lastDay = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Number(month) - 1] ?? 0;
  const isDate = Number(day) >= 1 && Number(day) <= lastDay;
  const isClock = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  return isDate && isClock && zoneHour <= 24 && zoneMinute <= 60;
}

/** Whether a whole number is one of 64 bits with a sign. */
function hasSignedBits({ isWhole, digits }: YamlNumber): boolean {
  return isWhole && BigInt.asIntN(64, BigInt(digits)) === BigInt(digits);
}

function typeOf(value: ScalarValue): string {
  if (value instanceof YamlNumber) return value.isWhole ? 'int' : 'float';
  return value === null ? 'null' : typeof value === 'boolean' ? 'bool' : 'str';
}

/**
 * A scalar with a tag, quoted or not. The tags of numbers, booleans and null must fit the text; unknown ones mean a
 * text.
 */
export function resolveTagged(tag: string, text: string): Tagged {
  const type = tag.startsWith(prefix) ? tag.slice(prefix.length) : '';
  if (type === 'binary') return decodeBinary(text);
  if (type === 'timestamp') {
    return isTime(text) ? { value: text } : { problem: '!!timestamp must be followed by a date such as 2001-12-31' };
  }
  const example = examples.get(type);
  if (example === undefined) return { value: text };
  const value = resolvePlain(text);
  if (typeOf(value) === type) return { value };
  if (type === 'float' && value instanceof YamlNumber && hasSignedBits(value)) {
    return { value: new YamlNumber(value.value, BigInt(value.value).toString(), false) };
  }
  return { problem: `!!${type} must be followed by ${example}` };
}
