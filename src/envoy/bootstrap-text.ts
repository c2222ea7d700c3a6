import type { Json, JsonObject } from '../json/json.ts';
import { anchorName } from './anchor-name.ts';
import { splitMarks } from './self.ts';

/*
 * Envoy's `--config-yaml` takes flow YAML: JSON with fewer quotes, and with anchors, so that a part which occurs several
 * times is written once (`&a [...]`) and referred to later (`*a`). Which parts those are is found here.
 */

/**
 * Kubernetes replaces `$(NAME)` in a container's arguments and `$$` by `$`. Text that is to arrive as it is goes through
 * here.
 */
export function escapeExpansion(text: string): string {
  return text.includes('$') ? text.replaceAll('$', '$$$$') : text;
}

const simple = /^[\w ./:,@%()[\]?~=&*{}+-]*$/;
// JSON allows these raw inside a string; in YAML they end a line or may not appear.
const unsafe = /[\u007f-\u00a0\u2028\u2029\ufeff]/g;

/** A double-quoted scalar, JSON and YAML alike; lone surrogates become U+FFFD. */
function quoted(text: string): string {
  if (simple.test(text)) return `"${text}"`;
  return JSON.stringify(text.toWellFormed()).replaceAll(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const word = /^(?:[A-Za-z/][\w./-]*|\d+s)$/;
/** What yaml-cpp, or the C++ library below it, takes for a boolean, a number or nothing. */
const reserved = /^(?:true|false|yes|no|on|off|y|n|null|inf|infinity|nan)$/i;

/** Host of the URLs of Envoy's messages. Any will do: a message is found by what follows the slash. */
const messageHost = 'type.googleapis.com/';

/** A text as a scalar: without quotes where YAML takes it for a string anyway. */
function textScalar(text: string): string {
  if (text.startsWith(messageHost)) return textScalar(`t/${text.slice(messageHost.length)}`);
  if (word.test(text)) return reserved.test(text) ? `"${text}"` : text;
  const [first = '', ...rest] = splitMarks(text);
  if (rest.length === 0) return quoted(escapeExpansion(first));
  const parts = rest.map((part, index) => (index % 2 === 0 ? `$(${part})` : escapeExpansion(part)));
  return quoted(escapeExpansion(first) + parts.join(''));
}

/** A value or a key; equal ones are the same part. */
interface Part {
  readonly id: number;
  readonly kind: 'scalar' | 'list' | 'object';
  /** What it was made of; undefined for an empty list or object. */
  readonly source: Json | undefined;
  /** Text of a scalar. */
  readonly text: string;
  /** The same as a key that is not the first of its object, with what stands around it. */
  readonly keyText: string;
  /** Items of a list; keys of an object, each with its value behind it. */
  readonly members: readonly Part[];
  /** Characters that it takes written out, about. */
  readonly length: number;
}

/** FNV-1a (draft-eastlake-fnv, section 2), 32 bits. */
const hashBasis = 0x811c9dc5;
const hashPrime = 0x01000193;

function scalarPart(id: number, text: string, source?: Json): Part {
  return { id, kind: 'scalar', source, text, keyText: `,${text}: `, members: [], length: text.length };
}

const emptyList = scalarPart(0, '[]');
const emptyObject = scalarPart(1, '{}');

/** An object or a list whose members have been read. */
interface Read {
  readonly kind: 'list' | 'object';
  readonly source: Json;
  /** Of its members among the open ones. */
  readonly start: number;
  readonly length: number;
}

/** All parts of a document; those of `base` are known already. */
class Parts {
  private readonly base: Parts | undefined;
  /** By the text itself; what is no text has a map of its own. */
  private readonly texts = new Map<string, Part>();
  private readonly others = new Map<number | boolean | null, Part>();
  /** Objects and lists by their hashes. */
  private readonly composed = new Map<number, Part[]>();
  /** The same object often stands in several places, and in many documents. */
  private readonly seen = new Map<object, Part>();
  /** Members of the objects and lists that are being read, the innermost last: most are known, so no list is made of them. */
  private readonly open: Part[] = [];
  private openCount = 0;
  private count: number;

  constructor(base?: Parts) {
    this.base = base;
    this.count = base?.size ?? 2;
  }

  get size(): number {
    return this.count;
  }

  /**
   * The part of a value.
   *
   * @param guess the part in this place of another document, if there is one: comparing takes less than looking up
   */
  of(value: Json, guess?: Part): Part {
    if (guess !== undefined && guess.source === value) return guess;
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return this.other(value);
    const seen = this.base?.seen.get(value) ?? this.seen.get(value);
    if (seen !== undefined) return seen;
    const isList = Array.isArray(value);
    const part = isList ? this.list(value as readonly Json[], guess) : this.object(value as JsonObject, guess);
    // Of a document's own only lists: most objects stand in one place, and a small one is read as quickly as found.
    if (isList || this.base === undefined) this.seen.set(value, part);
    return part;
  }

  private text(text: string): Part {
    return this.base?.texts.get(text) ?? this.texts.get(text) ?? this.scalar(this.texts, text, textScalar(text));
  }

  private other(value: number | boolean | null): Part {
    return this.base?.others.get(value) ?? this.others.get(value) ?? this.scalar(this.others, value, String(value));
  }

  private scalar<K extends Json>(scalars: Map<K, Part>, source: K, text: string): Part {
    const part = scalarPart(this.count++, text, source);
    scalars.set(source, part);
    return part;
  }

  private list(values: readonly Json[], guess: Part | undefined): Part {
    if (values.length === 0) return emptyList;
    const start = this.openCount;
    let length = 2;
    for (let at = 0; at < values.length; at++) {
      const item = this.of(values[at] as Json, guess?.members[at]);
      this.open[this.openCount++] = item;
      length += item.length + 1;
    }
    return this.close({ kind: 'list', source: values, start, length }, guess);
  }

  private object(object: JsonObject, guess: Part | undefined): Part {
    const start = this.openCount;
    let length = 2;
    let at = 0;
    for (const name of Object.keys(object)) {
      const value = object[name];
      if (value === undefined) continue;
      const guessedKey = guess?.members[at++];
      const key = guessedKey?.source === name ? guessedKey : this.text(name);
      const item = this.of(value, guess?.members[at++]);
      this.open[this.openCount++] = key;
      this.open[this.openCount++] = item;
      length += key.length + item.length + 3;
    }
    if (this.openCount === start) return emptyObject;
    return this.close({ kind: 'object', source: object, start, length }, guess);
  }

  /** The part of what was read since `start`, which is open no longer. */
  private close(read: Read, guess: Part | undefined): Part {
    const { kind, source, start, length } = read;
    if (guess !== undefined && this.isRead(read, guess)) {
      this.openCount = start;
      return guess;
    }
    let hash = kind === 'list' ? hashBasis : hashPrime;
    for (let at = start; at < this.openCount; at++) hash = Math.imul(hash ^ (this.open[at]?.id ?? 0), hashPrime);
    const own = this.composed.get(hash);
    const isRead = (part: Part): boolean => this.isRead(read, part);
    const known = this.base?.composed.get(hash)?.find(isRead) ?? own?.find(isRead);
    const part = known ?? {
      id: this.count++,
      kind,
      source,
      text: '',
      keyText: '',
      members: this.open.slice(start, this.openCount),
      length,
    };
    this.openCount = start;
    if (known === undefined) this.composed.set(hash, own === undefined ? [part] : [...own, part]);
    return part;
  }

  private isRead({ kind, start }: Read, part: Part): boolean {
    const { members } = part;
    if (part.kind !== kind || members.length !== this.openCount - start) return false;
    for (let at = 0; at < members.length; at++) if (members[at] !== this.open[start + at]) return false;
    return true;
  }
}

/** How often each part stands in a document, by its id, and the parts that stand there more than once. */
interface Uses {
  readonly counts: Uint32Array;
  readonly repeated: readonly Part[];
}

function countUses(root: Part, size: number): Uses {
  const counts = new Uint32Array(size);
  const repeated: Part[] = [];
  const count = (part: Part): void => {
    const times = (counts[part.id] ?? 0) + 1;
    counts[part.id] = times;
    if (times === 2) repeated.push(part);
    if (times > 1) return;
    for (const member of part.members) count(member);
  };
  count(root);
  return { counts, repeated };
}

function write(root: Part, { counts, repeated }: Uses): string {
  let text = '';
  const names = new Map<Part, string>();
  for (const part of repeated.toSorted((one, other) => (counts[other.id] ?? 0) - (counts[one.id] ?? 0))) {
    const name = anchorName(names.size);
    const saved = (part.length - name.length - 1) * ((counts[part.id] ?? 0) - 1);
    if (saved > name.length + 2) names.set(part, name);
  }
  const anchored = new Set<Part>();
  const putNamed = (part: Part, name: string): void => {
    if (anchored.has(part)) {
      text += `*${name}`;
      return;
    }
    anchored.add(part);
    text += `&${name} `;
    putWhole(part);
  };
  const put = (part: Part): void => {
    const name = names.get(part);
    if (name === undefined) putWhole(part);
    else putNamed(part, name);
  };
  const putKey = (part: Part, isFirst: boolean): void => {
    const name = names.get(part);
    // As a key, an alias needs a blank before its colon.
    if (name === undefined || part.length <= name.length + 2) {
      text += isFirst ? part.keyText.slice(1) : part.keyText;
      return;
    }
    if (!isFirst) text += ',';
    putNamed(part, name);
    text += ' : ';
  };
  const putWhole = ({ kind, text: own, members }: Part): void => {
    if (kind === 'scalar') text += own;
    else if (kind === 'list') {
      for (let at = 0; at < members.length; at++) {
        text += at === 0 ? '[' : ',';
        put(members[at] as Part);
      }
      text += ']';
    } else {
      text += '{';
      for (let at = 0; at < members.length; at += 2) {
        putKey(members[at] as Part, at === 0);
        put(members[at + 1] as Part);
      }
      text += '}';
    }
  };
  put(root);
  return text;
}

/**
 * Makes the function that writes a configuration as text for `--config-yaml` in a container's arguments. The marks of
 * `unknownPod` become `$(POD_IP)`, `$(POD_NAME)` and `$(POD_NAMESPACE)`, which Kubernetes fills in from the container's
 * environment; every other `$` is doubled.
 *
 * @param constants objects that many configurations have in them: they are looked at once, here, and recognised later
 */
export function bootstrapWriter(constants: readonly JsonObject[] = []): (configuration: JsonObject) => string {
  const base = new Parts();
  const [usual] = constants.map((constant) => base.of(constant));
  return (configuration) => {
    const parts = new Parts(base);
    const root = parts.of(configuration, usual);
    return write(root, countUses(root, parts.size));
  };
}
