import { applyToValue } from '../json/apply.ts';
import { isObject, isSame, member, type Json, type JsonObject } from '../json/json.ts';
import { escapeToken, type Operation } from '../json/operation.ts';
import { listIndex, pointerTokens } from '../json/pointer.ts';
import { parseJsonText, type JsonNode } from './json-text.ts';

/** How the document is written, for what is added. */
interface Style {
  /** White space of one level, as `JSON.stringify` takes it. 0 for a document on one line. */
  readonly indent: string | number;
  readonly lineBreak: string;
  /** What stands between a key and its value. */
  readonly colon: string;
}

/** What stands between a key and its value, and between entries, in a container on one line. */
type Spacing = readonly [colon: string, comma: string];

/** An entry with the text around it. Entries are separated by commas. */
interface Entry {
  readonly key: string | undefined;
  /** White space before the entry. */
  lead: string;
  /** The key and the colon with their white space. Empty for an item. */
  readonly head: string;
  value: Value;
  /** White space after the entry, before the comma. */
  readonly tail: string;
}

/** A value of a changed document: as it was parsed, a container of which something changes, or new. */
type Value =
  | { readonly state: 'parsed'; readonly node: JsonNode }
  | Opened
  | { readonly state: 'new'; readonly value: Json; readonly spacing?: Spacing };

interface Opened {
  readonly state: 'opened';
  readonly kind: 'object' | 'list';
  readonly entries: Entry[];
  /** White space before the closing bracket. */
  closing: string;
  /** White space at the start of the container's own line. */
  readonly margin: string;
  /** Whether the container's own entry starts a line, so that the container may be written on several. */
  readonly startsLine: boolean;
}

function detectStyle(text: string): Style {
  const indented = /^[{[][ \t]*\r?\n([ \t]+)/.exec(text);
  const isLines = text.includes('\n');
  const colon = /^[{[\s]*"(?:[^"\\]|\\.)*"(\s*:\s*)/.exec(text)?.[1];
  return {
    indent: indented?.[1] ?? (isLines ? 2 : 0),
    lineBreak: text.includes('\r\n') ? '\r\n' : '\n',
    colon: colon ?? (isLines ? ': ' : ':'),
  };
}

function marginOf(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? '';
}

/** Takes a parsed container apart, so that its entries can change. */
function openNode(text: string, node: JsonNode, kind: Opened['kind'], startsLine: boolean): Opened {
  const entries: Entry[] = [];
  let at = node.from + 1;
  for (const [index, { key, from, value }] of node.entries.entries()) {
    const next = index === node.entries.length - 1 ? undefined : text.indexOf(',', value.to);
    entries.push({
      key,
      lead: text.slice(at, from),
      head: text.slice(from, value.from),
      value: { state: 'parsed', node: value },
      tail: next === undefined ? '' : text.slice(value.to, next),
    });
    at = next === undefined ? value.to : next + 1;
  }
  const closing = text.slice(at, node.to - 1);
  return { state: 'opened', kind, entries, closing, margin: marginOf(text, node.from), startsLine };
}

function unitOf({ indent }: Style): string {
  return typeof indent === 'string' ? indent : ' '.repeat(indent);
}

function insert(parent: Opened, index: number, key: string | undefined, value: Json, style: Style): void {
  const { entries } = parent;
  const [first, second] = entries;
  const sibling = entries.find((entry) => entry.key !== undefined)?.head;
  const colon = sibling === undefined ? style.colon : sibling.slice(sibling.lastIndexOf('"') + 1);
  const head = key === undefined ? '' : JSON.stringify(key) + colon;
  const entry: Entry = { key, lead: '', head, value: { state: 'new', value }, tail: '' };
  if (first === undefined) {
    if (parent.closing === '' && style.indent !== 0 && parent.startsLine) {
      parent.closing = style.lineBreak + parent.margin;
      entry.lead = parent.closing + unitOf(style);
    } else {
      entry.lead = parent.closing.includes('\n') ? parent.closing + unitOf(style) : parent.closing;
    }
  } else {
    const beside = first.lead.includes('\n') ? first.lead : style.colon.endsWith(' ') ? ' ' : '';
    const apart = second?.lead ?? beside;
    entry.lead = index === 0 ? first.lead : (entries[index]?.lead ?? entries.at(-1)?.lead ?? apart);
    if (index === 0) first.lead = apart;
    else if (entries.length === 1) entry.lead = apart;
  }
  entries.splice(index, 0, entry);
}

function remove(parent: Opened, index: number): void {
  const [removed] = parent.entries.splice(index, 1);
  const [first] = parent.entries;
  if (index === 0 && removed !== undefined && first !== undefined) first.lead = removed.lead;
}

/** Index of the member that counts: the last one with the key. */
function indexOfKey(parent: Opened, key: string): number {
  return parent.entries.findLastIndex((entry) => entry.key === key);
}

function removeKey(parent: Opened, key: string): void {
  for (let index = indexOfKey(parent, key); index !== -1; index = indexOfKey(parent, key)) remove(parent, index);
}

/** Opens the entry's container. Undefined if its value is new or no container. */
function openEntry(text: string, entry: Entry): Opened | undefined {
  if (entry.value.state === 'opened') return entry.value;
  if (entry.value.state === 'new' || entry.value.node.kind === 'scalar') return undefined;
  const { node } = entry.value;
  const opened = openNode(text, node, node.kind === 'list' ? 'list' : 'object', entry.lead.includes('\n'));
  entry.value = opened;
  return opened;
}

/** Sets an entry's value. Of an object, only the members that differ change. */
function setValue(text: string, entry: Entry, value: Json, style: Style): void {
  const { value: former } = entry;
  if (former.state !== 'parsed') {
    entry.value = { state: 'new', value };
    return;
  }
  const present = JSON.parse(text.slice(former.node.from, former.node.to)) as Json;
  if (isSame(present, value)) return;
  const opened = isObject(present) && isObject(value) ? openEntry(text, entry) : undefined;
  if (opened === undefined) entry.value = { state: 'new', value };
  else changeMembers(text, opened, present as JsonObject, value as JsonObject, style);
}

function changeMembers(text: string, opened: Opened, present: JsonObject, value: JsonObject, style: Style): void {
  for (const key of Object.keys(present)) if (member(value, key) === undefined) removeKey(opened, key);
  for (const [key, wanted = null] of Object.entries(value)) {
    const inner = opened.entries[indexOfKey(opened, key)];
    if (inner === undefined) insert(opened, opened.entries.length, key, wanted, style);
    else setValue(text, inner, wanted, style);
  }
}

function doesNotFit(operation: Operation): Error {
  return new Error(`operation ${operation.op} at ${operation.path} does not fit the document`);
}

/** A member that the last operation has taken away, and where it stood. */
interface Gap {
  readonly parent: Opened;
  readonly entry: Entry;
  readonly index: number;
  /** White space before the entry after it, before that became the first one. */
  readonly nextLead: string | undefined;
}

function spacingOf(container: string): Spacing {
  const colon = /^\{\s*"(?:[^"\\]|\\.)*"(\s*:\s*)/.exec(container)?.[1] ?? ':';
  return [colon, colon.endsWith(' ') ? ', ' : ','];
}

/** Puts a new member where another one stood, with the white space around it and in it. */
function fill(text: string, { parent, entry, index, nextLead }: Gap, key: string, value: Json): void {
  const { head, value: former } = entry;
  const inside = former.state === 'parsed' ? text.slice(former.node.from, former.node.to) : '';
  const spacing = inside === '' || inside.includes('\n') ? {} : { spacing: spacingOf(inside) };
  const next = parent.entries[index];
  if (next !== undefined && nextLead !== undefined) next.lead = nextLead;
  const colon = head.slice(head.lastIndexOf('"') + 1);
  parent.entries.splice(index, 0, {
    ...entry,
    head: JSON.stringify(key) + colon,
    key,
    value: { state: 'new', value, ...spacing },
  });
}

/** Applies the operation. Returns the gap that it leaves. */
function applyTo(
  text: string,
  parent: Opened,
  token: string,
  operation: Operation,
  style: Style,
  gap: Gap | undefined,
): Gap | undefined {
  const { entries, kind } = parent;
  if (kind === 'object') {
    const at = indexOfKey(parent, token);
    const entry = entries[at];
    if (operation.op === 'remove') {
      if (entry === undefined) throw doesNotFit(operation);
      const nextLead = entries[at + 1]?.lead;
      removeKey(parent, token);
      return { parent, entry, index: Math.min(at, entries.length), nextLead };
    }
    if (entry !== undefined) setValue(text, entry, operation.value, style);
    else if (gap?.parent === parent) fill(text, gap, token, operation.value);
    else insert(parent, entries.length, token, operation.value, style);
    return undefined;
  }
  const index = listIndex(token, entries.length);
  if (index === undefined) throw doesNotFit(operation);
  const entry = entries[index];
  if (operation.op === 'add') insert(parent, index, undefined, operation.value, style);
  else if (entry === undefined) throw doesNotFit(operation);
  else if (operation.op === 'remove') remove(parent, index);
  else setValue(text, entry, operation.value, style);
  return undefined;
}

function applyOperation(
  text: string,
  root: Opened,
  operation: Operation,
  style: Style,
  gap: Gap | undefined,
): Gap | undefined {
  const tokens = pointerTokens(operation.path);
  let parent = root;
  while (tokens.length > 1) {
    const token = tokens.shift() ?? '';
    const index = parent.kind === 'object' ? indexOfKey(parent, token) : listIndex(token, parent.entries.length);
    const entry = index === undefined ? undefined : parent.entries[index];
    if (entry === undefined) throw doesNotFit(operation);
    if (entry.value.state === 'new') {
      const path = tokens.map((rest) => `/${escapeToken(rest)}`).join('');
      entry.value = { state: 'new', value: applyToValue(entry.value.value, [{ ...operation, path }]) };
      return undefined;
    }
    const opened = openEntry(text, entry);
    if (opened === undefined) throw doesNotFit(operation);
    parent = opened;
  }
  const [last] = tokens;
  if (last === undefined) throw doesNotFit(operation);
  return applyTo(text, parent, last, operation, style, gap);
}

/** Prints a new value on one line. */
function printInline(value: Json, spacing: Spacing): string {
  const [colon, comma] = spacing;
  if (Array.isArray(value)) {
    return `[${(value as readonly Json[]).map((item) => printInline(item, spacing)).join(comma)}]`;
  }
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, inner = null]) => JSON.stringify(key) + colon + printInline(inner, spacing),
  );
  return `{${members.join(comma)}}`;
}

function print(text: string, value: Value, lead: string, style: Style): string {
  if (value.state === 'parsed') return text.slice(value.node.from, value.node.to);
  if (value.state === 'new') {
    if (value.spacing !== undefined) return printInline(value.value, value.spacing);
    if (!lead.includes('\n')) return JSON.stringify(value.value);
    const margin = lead.slice(lead.lastIndexOf('\n') + 1);
    return JSON.stringify(value.value, null, style.indent).replaceAll('\n', style.lineBreak + margin);
  }
  const [open, close] = value.kind === 'object' ? ['{', '}'] : ['[', ']'];
  if (value.entries.length === 0) return open + (value.closing.includes('\n') ? '' : value.closing) + close;
  const entries = value.entries.map(
    (entry) => entry.lead + entry.head + print(text, entry.value, entry.lead, style) + entry.tail,
  );
  return open + entries.join(',') + value.closing + close;
}

/**
 * Applies operations to the JSON object or list between two offsets of a text and returns the text. What no operation
 * touches is kept byte for byte: layout, order, notation of numbers and texts. What is added looks like its neighbours.
 * Throws if an operation does not fit.
 */
export function editJson(text: string, from: number, to: number, operations: readonly Operation[]): string {
  const json = text.slice(from, to);
  const style = detectStyle(json);
  const node = parseJsonText(json, 0);
  const root = openNode(json, node, node.kind === 'list' ? 'list' : 'object', json.includes('\n'));
  let gap: Gap | undefined;
  for (const operation of operations) gap = applyOperation(json, root, operation, style, gap);
  return text.slice(0, from) + print(json, root, '\n', style) + text.slice(to);
}
