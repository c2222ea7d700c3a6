import type { Json, JsonObject } from '../json/json.ts';
import { splitMarks } from './self.ts';

/*
 * Envoy's `--config-yaml` accepts flow YAML: JSON with fewer quotes, and with anchors. A part that occurs several times
 * is written once (`&a [...]`) and referred to later (`*a`). This file finds such parts.
 */

/**
 * Escapes text that must reach the container unchanged: in arguments, Kubernetes replaces `$(NAME)`, and `$$` by `$`.
 */
export function escapeExpansion(text: string): string {
  return text.includes('$') ? text.replaceAll('$', '$$$$') : text;
}

const simple = /^[\w ./:,@%()[\]?~=&*{}+-]*$/;
// JSON allows these characters unescaped in a string; in YAML they end a line or are illegal.
const unsafe = /[\u007f-\u00a0\u2028\u2029\ufeff]/g;

/** Returns a double-quoted scalar, valid in JSON and YAML alike. Lone surrogates become U+FFFD. */
function quoted(text: string): string {
  if (simple.test(text)) return `"${text}"`;
  return JSON.stringify(text.toWellFormed()).replaceAll(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const word = /^(?:[A-Za-z/][\w./-]*|\d+s)$/;
/** Words that yaml-cpp, or the C++ library below it, reads as a boolean, a number or null. */
const reserved = /^(?:true|false|yes|no|on|off|y|n|null|inf|infinity|nan)$/i;

/** Returns the text as a scalar, without quotes if YAML reads it as a string anyway. */
function textScalar(text: string): string {
  if (word.test(text)) return reserved.test(text) ? `"${text}"` : text;
  const [first = '', ...rest] = splitMarks(text);
  if (rest.length === 0) return quoted(escapeExpansion(first));
  const parts = rest.map((part, index) => (index % 2 === 0 ? `$(${part})` : escapeExpansion(part)));
  return quoted(escapeExpansion(first) + parts.join(''));
}

/** A value or key of the document. Equal values are the same part. */
interface Part {
  readonly id: number;
  /** YAML text of a scalar; undefined for a list or object. */
  readonly text: string | undefined;
  /** Keys of an object; empty for a list. */
  readonly keys: readonly Part[];
  readonly items: readonly Part[];
  /** Approximate length of the part when written out, in characters. */
  readonly length: number;
}

const none: readonly Part[] = [];

function isMadeOf({ keys, items }: Part, otherKeys: readonly Part[], otherItems: readonly Part[]): boolean {
  if (keys.length !== otherKeys.length || items.length !== otherItems.length) return false;
  for (let at = 0; at < items.length; at++)
    if (items[at] !== otherItems[at] || keys[at] !== otherKeys[at]) return false;
  return true;
}

/** Returns the 32-bit FNV-1a hash of the ids (draft-eastlake-fnv, section 2). */
function hashOf(keys: readonly Part[], items: readonly Part[]): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < items.length; at++) {
    hash = Math.imul(hash ^ (keys[at]?.id ?? -1), 0x01000193);
    hash = Math.imul(hash ^ (items[at]?.id ?? -1), 0x01000193);
  }
  return hash;
}

/** All parts of a document, on top of the known parts of `base`. */
class Parts {
  private readonly base: Parts | undefined;
  /** Strings by their own text; other scalars have a map of their own. */
  private readonly texts = new Map<string, Part>();
  private readonly others = new Map<string, Part>();
  /** Objects and lists by hash. */
  private readonly composed = new Map<number, Part[]>();
  /** Parts by object identity: the same object often occurs in several places and in many documents. */
  private readonly seen = new Map<object, Part>();
  private count: number;

  constructor(base?: Parts) {
    this.base = base;
    this.count = base?.size ?? 0;
  }

  get size(): number {
    return this.count;
  }

  /** Returns the part of a value. */
  of(value: Json): Part {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return this.other(String(value));
    const seen = this.base?.seen.get(value) ?? this.seen.get(value);
    if (seen !== undefined) return seen;
    const part = Array.isArray(value) ? this.list(value as readonly Json[]) : this.object(value as JsonObject);
    this.seen.set(value, part);
    return part;
  }

  private text(text: string): Part {
    return this.base?.texts.get(text) ?? this.texts.get(text) ?? this.scalar(this.texts, text, textScalar(text));
  }

  /** Returns the part of a number, a boolean, null, or an empty list or object. */
  private other(text: string): Part {
    return this.base?.others.get(text) ?? this.others.get(text) ?? this.scalar(this.others, text, text);
  }

  private scalar(scalars: Map<string, Part>, key: string, text: string): Part {
    const part = { id: this.count++, text, keys: none, items: none, length: text.length };
    scalars.set(key, part);
    return part;
  }

  private compose(keys: readonly Part[], items: readonly Part[], length: number): Part {
    const hash = hashOf(keys, items);
    for (const part of this.base?.composed.get(hash) ?? []) if (isMadeOf(part, keys, items)) return part;
    const own = this.composed.get(hash) ?? [];
    for (const part of own) if (isMadeOf(part, keys, items)) return part;
    const made = { id: this.count++, text: undefined, keys, items, length };
    this.composed.set(hash, [...own, made]);
    return made;
  }

  private list(values: readonly Json[]): Part {
    if (values.length === 0) return this.other('[]');
    const items = values.map((value) => this.of(value));
    return this.compose(none, items, 2 + items.reduce((sum, { length }) => sum + length + 1, 0));
  }

  private object(object: JsonObject): Part {
    const keys: Part[] = [];
    const items: Part[] = [];
    let length = 2;
    for (const name of Object.keys(object)) {
      const value = object[name];
      if (value === undefined) continue;
      const key = this.text(name);
      const item = this.of(value);
      keys.push(key);
      items.push(item);
      length += key.length + item.length + 3;
    }
    return items.length === 0 ? this.other('{}') : this.compose(keys, items, length);
  }
}

/** Counts the uses of each part in a document, by part id. */
function countUses(root: Part, size: number): Uint32Array {
  const uses = new Uint32Array(size);
  const count = ({ id, keys, items }: Part): void => {
    uses[id] = (uses[id] ?? 0) + 1;
    if (uses[id] > 1) return;
    for (const key of keys) count(key);
    for (const item of items) count(item);
  };
  count(root);
  return uses;
}

function write(root: Part, uses: Uint32Array): string {
  const names = new Map<Part, string>();
  let text = '';
  const put = (part: Part, isKey: boolean): void => {
    const times = uses[part.id] ?? 0;
    const end = isKey ? ' ' : '';
    // An anchor costs four characters and an alias two; an alias used as a key needs a blank before its colon.
    if (times < 2 || (part.length - 3) * (times - 1) <= 4 + (isKey ? times : 0)) return putWhole(part);
    const known = names.get(part);
    if (known !== undefined) {
      text += `*${known}${end}`;
      return;
    }
    // Names are short because the text is stored in every pod.
    const name = (10 + names.size).toString(36);
    names.set(part, name);
    text += `&${name} `;
    putWhole(part);
    text += end;
  };
  const putWhole = (part: Part): void => {
    if (part.text !== undefined) {
      text += part.text;
      return;
    }
    const { keys, items } = part;
    const isList = keys.length === 0;
    text += isList ? '[' : '{';
    for (let at = 0; at < items.length; at++) {
      if (at > 0) text += ',';
      const key = keys[at];
      if (key !== undefined) {
        put(key, true);
        text += ': ';
      }
      put(items[at] as Part, false);
    }
    text += isList ? ']' : '}';
  };
  put(root, false);
  return text;
}

/**
 * Returns a function that writes a configuration as text for `--config-yaml` in a container's arguments. The marks of
 * `unknownPod` become `$(POD_IP)`, `$(POD_NAME)` and `$(POD_NAMESPACE)`, which Kubernetes expands from the container's
 * environment. Every other `$` is doubled.
 *
 * @param constants objects that many configurations contain. They are analysed once, here, and recognised by identity
 * later.
 */
export function bootstrapWriter(constants: readonly JsonObject[] = []): (configuration: JsonObject) => string {
  const base = new Parts();
  for (const constant of constants) base.of(constant);
  return (configuration) => {
    const parts = new Parts(base);
    const root = parts.of(configuration);
    return write(root, countUses(root, parts.size));
  };
}
