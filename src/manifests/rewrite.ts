import { isDeepStrictEqual } from 'node:util';
import type { Operation } from '../injection/operation.ts';
import type { Json } from '../settings/json.ts';
import { applyToValue } from './apply.ts';
import { expandShared } from './expand.ts';
import { parseYaml, type Manifest } from './manifest.ts';
import { detectLayout, printOptions } from './print.ts';
import { spliceChanges } from './splice.ts';
import { changeDocument } from './tree.ts';

/** A document after its operations: the exact text to write and what it says. */
export interface Rewritten {
  readonly text: string;
  readonly value: Json;
  /** Whether the whole document was printed anew, so that white space and shared nodes may look different. */
  readonly reprinted: boolean;
}

function indentOf(text: string): string | number {
  const indented = /^[{[][ \t]*\r?\n([ \t]+)/.exec(text);
  return indented?.[1] ?? (text.includes('\n') ? 2 : 0);
}

function rewriteJson(text: string, from: number, to: number, value: Json): string {
  const printed = JSON.stringify(value, null, indentOf(text.slice(from, to)));
  const lines = text.includes('\r\n') ? printed.replaceAll('\n', '\r\n') : printed;
  return text.slice(0, from) + lines + text.slice(to);
}

function says(text: string, value: Json): boolean {
  const document = parseYaml(text);
  return document.errors.length === 0 && isDeepStrictEqual(document.toJS(), value);
}

/** The text with only the changed lines touched, or undefined when that cannot be done. */
function rewriteInPlace(text: string, operations: readonly Operation[], value: Json): string | undefined {
  try {
    const document = parseYaml(text);
    const spliced = spliceChanges(text, document, changeDocument(document, operations));
    return says(spliced, value) ? spliced : undefined;
  } catch {
    return undefined;
  }
}

/** The whole document printed anew: comments and order stay, white space and shared nodes do not. */
function rewriteWhole(text: string, operations: readonly Operation[]): string {
  const document = parseYaml(text);
  const options = printOptions(detectLayout(text, document));
  expandShared(document);
  changeDocument(document, operations);
  const printed = document.toString(options);
  return text.includes('\r\n') ? printed.replaceAll('\n', '\r\n') : printed;
}

/**
 * Applies operations (pointers from the document's root) to one document. What no operation touches keeps its bytes;
 * only where a change runs into aliases, merge keys or unusual notation is the document printed anew, comments kept.
 * The text is read back before it is returned. Throws when an operation does not fit or the text would say something else.
 */
export function rewriteManifest(manifest: Manifest, operations: readonly Operation[]): Rewritten {
  const { content, text } = manifest;
  if (content.format === 'empty') throw new Error('an empty document cannot be changed');
  const value = applyToValue(content.value, operations);
  if (content.format === 'json') return { text: rewriteJson(text, content.from, content.to, value), value, reprinted: false };
  const inPlace = rewriteInPlace(text, operations, value);
  if (inPlace !== undefined) return { text: inPlace, value, reprinted: false };
  const whole = rewriteWhole(text, operations);
  if (!says(whole, value)) throw new Error('the changed document would not read back as it should');
  return { text: whole, value, reprinted: true };
}
