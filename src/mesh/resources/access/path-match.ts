import type { JsonObject } from '../../../json/json.ts';
import { extension } from '../../../envoy/extension.ts';
import { escaped } from './text-match.ts';

/*
 * Servers read one path in several ways: `/a/../b`, `//b`, `/a%2Fb`, `/%62`. The proxy passes a path on as it is, so a rule asks how it can be
 * read, and not how it would be written properly: what is allowed has to fit however it is read, what is denied in one way.
 */

/** Patterns have no braces. */
function isTemplate(path: string): boolean {
  return path.includes('{');
}

/** Any bytes, also those that are no text. */
const any = String.raw`\C*`;
const slash = String.raw`(?:/|\\|%2[fF]|%5[cC])`;
const dot = String.raw`(?:\.|%2[eE])`;
/** A segment of one dot or two, also with a parameter; or a zero byte, at which some servers end. */
const movesUp = String.raw`${any}${slash}${dot}{1,2}(?:(?:${slash}|;|%3[bB])${any})?|${any}%00${any}`;
/** Letters, digits and the like that need not be encoded. */
const encodesPlain = `${any}%(?:4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE]|3[0-9]|2[dDeE])${any}`;

/** A `Permission` by the path without its query. */
function byPath(matcher: JsonObject): JsonObject {
  return { url_path: { path: matcher } };
}

function byExpression(regex: string): JsonObject {
  return byPath({ safe_regex: { regex } });
}

const isThere = byExpression(String.raw`\C+`);
const isAscii = byExpression(String.raw`[\x00-\x7F]*`);
const isMovingUp = byExpression(movesUp);
const isEncodingPlain = byExpression(encodesPlain);

/** Returns a `Permission` that one of some has. */
export function oneOf(permissions: readonly JsonObject[]): JsonObject {
  const [first] = permissions;
  return first !== undefined && permissions.length === 1 ? first : { or_rules: { rules: permissions } };
}

function byTemplate(template: string): JsonObject {
  const path_template = template.replaceAll('{**}', '**').replaceAll('{*}', '*');
  const type = 'envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';
  return { uri_template: extension('template', type, { path_template }) };
}

function asWritten(value: string): JsonObject {
  if (value === '*') return isThere;
  if (isTemplate(value)) return byTemplate(value);
  if (value.startsWith('*')) {
    const ends = byPath({ suffix: value.slice(1) });
    return { and_rules: { rules: [{ not_rule: isEncodingPlain }, ends] } };
  }
  if (value.endsWith('*')) return byPath({ prefix: value.slice(0, -1) });
  return byPath({ exact: value });
}

/** Whether a pattern fits every path. */
function isEvery(value: string): boolean {
  return value === '*' || value === '/*';
}

/** Returns a `Permission` that fits if a path fits one of some patterns however it is read. */
export function surelyOneOf(values: readonly string[]): JsonObject {
  if (values.some(isEvery)) return isThere;
  return { and_rules: { rules: [{ not_rule: isMovingUp }, oneOf(values.map(asWritten))] } };
}

function encodedByte(byte: number): string {
  const hex = byte.toString(16).padStart(2, '0');
  return `%${hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`;
}

/** Returns an expression for a character, whether it is encoded or not. */
function inAnyForm(character: string): string {
  if (character === '/' || character === '\\') return `${slash}+`;
  const bytes = [...new TextEncoder().encode(character)];
  return `(?:${escaped(character)}|${bytes.map(encodedByte).join('')})`;
}

function decoded(token: string): string {
  const code = Number.parseInt(token.slice(1), 16);
  return code >= 0x21 && code <= 0x7e ? String.fromCharCode(code) : '';
}

function readingOf(token: string): string {
  if (token.length < 3) return inAnyForm(token);
  const plain = decoded(token);
  return plain === '' ? encodedByte(Number.parseInt(token.slice(1), 16)) : inAnyForm(plain);
}

/** Expressions of characters as they are: a policy may have a million of them. */
const readingsOfAscii: readonly string[] = Array.from({ length: 128 }, (_, code) =>
  readingOf(String.fromCharCode(code)),
);

/** Returns an expression for all texts that can be read as this one. */
function readings(text: string): string {
  const tokens = text.match(/%[0-9a-f]{2}|./gisu) ?? [];
  return tokens
    .map((token) => (token.length === 1 ? readingsOfAscii[token.charCodeAt(0)] : undefined) ?? readingOf(token))
    .join('');
}

/** Returns an expression for all paths without a query that can be read so that they fit a pattern. */
export function pathExpression(value: string): string {
  return isEvery(value) ? any : anyReading(value);
}

function anyReading(value: string): string {
  if (isTemplate(value)) {
    return value
      .split(/(\{\*\*?\})/)
      .map((part) => ({ '{*}': String.raw`[^/\\]+`, '{**}': any })[part] ?? readings(part))
      .join('');
  }
  if (value.startsWith('*')) return `${any}${readings(value.slice(1))}`;
  return value.endsWith('*') ? `${readings(value.slice(0, -1))}${any}` : readings(value);
}

/** Returns a `Permission` that fits if a path can be read so that it fits one of some patterns. Every path is every request: CONNECT has none. */
export function possiblyOneOf(values: readonly string[]): JsonObject {
  if (values.some(isEvery)) return { any: true };
  // Classes of characters, as templates need them, do not fit bytes that are no text, which are not valid in a path either.
  const others = values.some(isTemplate) ? [{ not_rule: isAscii }] : [];
  return oneOf([isMovingUp, ...others, ...values.map((value) => byExpression(anyReading(value)))]);
}
