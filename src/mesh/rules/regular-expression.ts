/** What a part of an expression becomes in RE2's program. */
interface Part {
  /** Estimated number of instructions. */
  readonly size: number;
  /** The largest product of counts of repetitions that are within each other. */
  readonly repeats: number;
}

/** A regular expression that RE2 takes. */
interface RegularExpression {
  /** Number of its groups that capture. */
  readonly groups: number;
}

class SyntaxProblem extends Error {}

/** As in Istio. */
const longest = 1024;
const largestRepeat = 1000;
/** Below what the bootstrap lets Envoy take. */
const largestProgram = 20_000;
const deepest = 200;

const posixClasses = new Set(
  'alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit'.split(' '),
);
const categories = new Set(
  'Any C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'.split(' '),
);
const escapesOfOne: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

function isScript(name: string): boolean {
  if (!/^[A-Z][A-Za-z_]{2,40}$/.test(name)) return false;
  try {
    return new RegExp(String.raw`\p{Script=${name}}`, 'u').unicode;
  } catch {
    return false;
  }
}

/** Reads one expression from left to right. */
class Parser {
  readonly #text: string;
  readonly #names = new Set<string>();
  #at = 0;
  #groups = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): RegularExpression {
    const { size } = this.#alternatives(0);
    if (this.#at < this.#text.length) this.#fail('a closing parenthesis without an opening one');
    if (size > largestProgram) this.#fail('its repetitions make it too large');
    return { groups: this.#groups };
  }

  #fail(what: string): never {
    throw new SyntaxProblem(`${what}, at character ${this.#at + 1}`);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #alternatives(depth: number): Part {
    if (depth > deepest) this.#fail('too many groups within each other');
    let [size, repeats] = [0, 1];
    do {
      const part = this.#sequence(depth);
      size += part.size + 1;
      repeats = Math.max(repeats, part.repeats);
    } while (this.#take(/\|/y) !== undefined);
    return { size, repeats };
  }

  #sequence(depth: number): Part {
    let [size, repeats] = [0, 1];
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at] ?? '')) {
      const part = this.#repetition(this.#atom(depth));
      size += part?.size ?? 0;
      repeats = Math.max(repeats, part?.repeats ?? 1);
    }
    return { size, repeats };
  }

  /** Reads what repeats a part. Flags are no part. */
  #repetition(part: Part | undefined): Part | undefined {
    const found = this.#take(/[*+?]\??|\{(\d+)(,(\d*))?\}\??/y);
    if (found === undefined) return part;
    if (part === undefined) this.#fail('a repetition of nothing');
    const following = /[*+?]|\{\d+(?:,\d*)?\}/y;
    following.lastIndex = this.#at;
    if (following.test(this.#text)) this.#fail(`a repetition of a repetition, which RE2 does not have`);
    const [, least, comma, most] = found;
    if (least === undefined) return { size: part.size + 1, repeats: part.repeats };
    const minimum = Number(least);
    const isOpen = comma !== undefined && most === '';
    const maximum = comma === undefined || most === undefined || most === '' ? minimum : Number(most);
    if (minimum > largestRepeat || maximum > largestRepeat || maximum < minimum) {
      this.#fail(`the repetition ${found[0]}; allowed: counts up to ${largestRepeat}, the smaller one first`);
    }
    const repeats = part.repeats * Math.max(maximum, 1);
    if (repeats > largestRepeat) this.#fail(`repetitions within each other that make more than ${largestRepeat}`);
    return { size: part.size * Math.max(maximum, 1) + maximum + Number(isOpen), repeats };
  }

  #atom(depth: number): Part | undefined {
    if (this.#take(/\[/y) !== undefined) return this.#characterClass();
    if (this.#take(/\(/y) !== undefined) return this.#group(depth);
    if (this.#take(/\\/y) !== undefined) return this.#escape();
    // A brace that cannot be read as a count stands for itself.
    if (/^(?:[*+?]|\{\d+(?:,\d*)?\})/.test(this.#text.slice(this.#at, this.#at + 16)))
      this.#fail('a repetition of nothing');
    const character = this.#take(/./suy)?.[0];
    return { size: character === '.' ? 10 : 4, repeats: 1 };
  }

  #group(depth: number): Part | undefined {
    if (this.#take(/\?(?:<?[=!])/y) !== undefined)
      this.#fail('a look at what is before or behind, which RE2 does not have');
    if (this.#take(/\?>/y) !== undefined) this.#fail('an atomic group, which RE2 does not have');
    if (this.#take(/\?/y) === undefined) this.#groups++;
    else {
      const name = this.#take(/P?<([A-Za-z0-9_]+)>/y)?.[1];
      if (name !== undefined) {
        if (this.#names.has(name)) this.#fail(`the name ${name} a second time`);
        this.#names.add(name);
        this.#groups++;
      } else {
        const flags = this.#take(/(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?([:)])/y);
        if (flags === undefined || flags[0] === ')') this.#fail('a kind of group that RE2 does not have');
        if (flags[1] === ')') return undefined;
      }
    }
    const part = this.#alternatives(depth + 1);
    if (this.#take(/\)/y) === undefined) this.#fail('a closing parenthesis is missing');
    return { size: part.size + 2, repeats: part.repeats };
  }

  #escape(): Part | undefined {
    const quoted = this.#take(/Q(.*?)(?:\\E|$)/sy)?.[1];
    if (quoted !== undefined) return quoted === '' ? undefined : { size: quoted.length * 4, repeats: 1 };
    if (this.#take(/[dDsSwWC]/y) !== undefined || this.#property()) return { size: 10, repeats: 1 };
    if (this.#take(/[bBAz]/y) === undefined) this.#character();
    return { size: 4, repeats: 1 };
  }

  /** Reads `pL`, `p{Greek}` or `P{^Lu}` behind a backslash. */
  #property(): boolean {
    const found = this.#take(/[pP](?:([A-Z])|\{\^?(\w+)\})/y);
    if (found === undefined) return false;
    const name = found[1] ?? found[2] ?? '';
    if (!categories.has(name) && !isScript(name)) this.#fail(`a class of characters that RE2 does not have: ${name}`);
    return true;
  }

  /** Reads an escape that stands for one character, and returns its code. */
  #character(): number {
    const [hex] = (this.#take(/x([0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})/y) ?? []).slice(1);
    if (hex !== undefined) {
      const code = Number.parseInt(hex.replace('{', ''), 16);
      if (code > 0x10_ff_ff) this.#fail('a character above 10FFFF');
      return code;
    }
    const octal = this.#take(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y)?.[0];
    if (octal !== undefined) return Number.parseInt(octal, 8);
    if (this.#take(/[1-9]/y) !== undefined) this.#fail('a reference to a group, which RE2 does not have');
    const letter = this.#take(/[afnrtv]/y)?.[0];
    if (letter !== undefined) return escapesOfOne[letter] ?? 0;
    const sign = this.#take(/[\p{ASCII}--[\p{L}\p{N}\p{Cc}]]/vy)?.[0];
    if (sign === undefined) this.#fail('a backslash before something that RE2 does not escape');
    return sign.codePointAt(0) ?? 0;
  }

  #characterClass(): Part {
    this.#take(/\^/y);
    let isFirst = true;
    while (isFirst || this.#take(/\]/y) === undefined) {
      if (this.#at >= this.#text.length) this.#fail('a closing bracket is missing');
      this.#member();
      isFirst = false;
    }
    return { size: 10, repeats: 1 };
  }

  #member(): void {
    const posix = this.#take(/\[:\^?([^\]:]*):\]/y);
    if (posix !== undefined) {
      const name = posix[1] ?? '';
      if (!posixClasses.has(name)) this.#fail(`a class of characters that RE2 does not have: ${name}`);
      return;
    }
    if (this.#take(/\\(?=[dDsSwWpP])/y) !== undefined) {
      if (this.#take(/[dDsSwW]/y) === undefined && !this.#property()) this.#fail('an unknown class of characters');
      return;
    }
    const first = this.#single();
    if (this.#take(/-(?!\])/y) === undefined) return;
    if (this.#at >= this.#text.length) this.#fail('a closing bracket is missing');
    if (this.#single() < first) this.#fail('a range whose end is before its start');
  }

  #single(): number {
    if (this.#take(/\\/y) !== undefined) return this.#character();
    return this.#take(/./suy)?.[0].codePointAt(0) ?? 0;
  }
}

/**
 * Reads a regular expression of RE2, which is what Envoy compares with.
 *
 * @returns the number of its groups, or what is wrong, as the end of a sentence
 */
export function readRegularExpression(text: string): RegularExpression | { readonly problem: string } {
  if (text === '') return { problem: 'must not be empty' };
  if (text.length > longest) return { problem: `is longer than ${longest} characters` };
  try {
    return new Parser(text).read();
  } catch (error) {
    if (error instanceof SyntaxProblem) return { problem: `is not a regular expression of RE2: ${error.message}` };
    throw error;
  }
}
