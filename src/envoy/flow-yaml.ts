import type { Json } from '../settings/json.ts';

/*
 * Envoy's `--config-yaml` takes flow YAML: JSON with fewer quotes, and with anchors, so that a part which occurs several
 * times is written once (`&log [...]`) and referred to later (`*log`). A document is compiled once into a template, the
 * texts between its holes; rendering it for a pod is then the joining of a few strings.
 */

/**
 * Place in a document that every rendering fills in; as an item of a list it also brings its own commas. Under a key that
 * begins with `...` it stands for whole members, each of which brings the comma before it.
 */
export interface Hole {
  readonly hole: string;
}

/** A part that is written once a document under this name. */
export interface Anchored {
  readonly anchor: string;
  readonly content: Tree;
}

/** Text of our own with `$(NAME)` in it, for Kubernetes to replace. */
export interface Expandable {
  readonly expandable: string;
}

/** JSON with holes, anchors and expandable texts; undefined members are left out. */
export type Tree =
  Exclude<Json, object> | Hole | Anchored | Expandable | readonly Tree[] | { readonly [key: string]: Tree | undefined };

type Piece = string | Hole | { readonly anchor: string; readonly pieces: readonly Piece[] };

/** A compiled document or part of one. */
export type Template = readonly Piece[];

/**
 * Kubernetes replaces `$(NAME)` in a container's arguments and `$$` by `$`. Text that comes from a user goes through
 * here, so that what Envoy reads is what was written.
 */
export function escapeExpansion(text: string): string {
  return text.includes('$') ? text.replaceAll('$', '$$$$') : text;
}

const simple = /^[\w ./:,@%()[\]?~=&*{}+-]*$/;
// JSON allows these raw inside a string; in YAML they end a line or may not appear.
const unsafe = /[\u007f-\u00a0\u2028\u2029\ufeff]/g;

/** A double-quoted scalar, JSON and YAML alike; lone surrogates become U+FFFD. Expansions are left as they are. */
export function quoted(text: string): string {
  if (simple.test(text)) return `"${text}"`;
  return JSON.stringify(text.toWellFormed()).replaceAll(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A user's text as a scalar. */
export function userText(text: string): string {
  return quoted(escapeExpansion(text));
}

const word = /^(?:[A-Za-z/][\w./-]*|\d+s)$/;
const reserved = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

/** Text of our own as a scalar: without quotes where YAML takes it for a string anyway. */
function ownText(text: string): string {
  return word.test(text) && !reserved.test(text) ? text : quoted(escapeExpansion(text));
}

function append(pieces: Piece[], more: readonly Piece[]): void {
  for (const piece of more) {
    const last = pieces.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') pieces[pieces.length - 1] = last + piece;
    else pieces.push(piece);
  }
}

function isHole(tree: Tree | undefined): tree is Hole {
  return typeof tree === 'object' && tree !== null && 'hole' in tree;
}

function compileList(items: readonly Tree[]): Piece[] {
  const pieces: Piece[] = ['['];
  for (const [index, item] of items.entries()) {
    const comma = index > 0 && !isHole(item) && !isHole(items[index - 1]);
    append(pieces, [comma ? ',' : '', ...compile(item)]);
  }
  append(pieces, [']']);
  return pieces;
}

/** Long keys that occur again and again; they are written once, like parts. */
const repeatedKeys = new Set([
  'common_http_protocol_options',
  'continue_on_listener_filters_timeout',
  'destination_port_range',
  'filter_chain_match',
  'http_protocol_options',
  'port_value',
  'prefix_rewrite',
  'server_header_transformation',
  'socket_address',
  'stat_prefix',
  'typed_config',
  'typed_extension_protocol_options',
  'upstream_connection_options',
  'value_format',
]);

/** After an alias the colon needs a space before it. */
function compileKey(key: string): Piece[] {
  return repeatedKeys.has(key) ? [{ anchor: `key ${key}`, pieces: [key] }, ' : '] : [`${ownText(key)}: `];
}

/** The document as text and holes, to be kept and filled many times. */
export function compile(tree: Tree): Template {
  if (typeof tree === 'string') return [ownText(tree)];
  if (typeof tree !== 'object' || tree === null) return [String(tree)];
  if (Array.isArray(tree)) return compileList(tree as readonly Tree[]);
  if (isHole(tree)) return [tree];
  if ('anchor' in tree) return [{ anchor: (tree as Anchored).anchor, pieces: compile((tree as Anchored).content) }];
  if ('expandable' in tree) return [quoted((tree as Expandable).expandable)];
  const pieces: Piece[] = ['{'];
  let comma = '';
  for (const [key, value] of Object.entries(tree as { readonly [key: string]: Tree | undefined })) {
    if (value === undefined) continue;
    if (key.startsWith('...')) append(pieces, compile(value));
    else append(pieces, [comma, ...compileKey(key), ...compile(value)]);
    comma = ',';
  }
  append(pieces, ['}']);
  return pieces;
}

/** A list of compiled parts. */
export function listed(parts: readonly Template[]): Template {
  const pieces: Piece[] = [];
  for (const part of parts) append(pieces, [pieces.length === 0 ? '[' : ',', ...part]);
  append(pieces, [pieces.length === 0 ? '[]' : ']']);
  return pieces;
}

/** Anchors that a document has so far, by the names that its parts have here, and what they are called in the text. */
export type Written = Map<string, string>;

/** What goes into the holes: finished scalars, items of lists, or parts that are filled when their turn comes. */
export interface Filling {
  readonly [hole: string]: string | Template | ((written: Written) => string);
}

function fillHole(name: string, filling: Filling, written: Written): string {
  const content = filling[name];
  if (typeof content === 'string') return content;
  if (typeof content === 'function') return content(written);
  if (content === undefined) throw new Error(`nothing to fill the hole ${name} with`);
  return fill(content, filling, written);
}

/** The document with its holes filled. All parts of one document share `written`, which starts empty. */
export function fill(template: Template, filling: Filling, written: Written): string {
  let text = '';
  for (const piece of template) {
    if (typeof piece === 'string') {
      text += piece;
    } else if ('hole' in piece) {
      text += fillHole(piece.hole, filling, written);
    } else {
      const known = written.get(piece.anchor);
      if (known === undefined) {
        // One letter: the text is stored in every pod.
        const name = (10 + written.size).toString(36);
        written.set(piece.anchor, name);
        text += `&${name} ${fill(piece.pieces, filling, written)}`;
      } else {
        text += `*${known}`;
      }
    }
  }
  return text;
}
