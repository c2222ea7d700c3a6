import type { Document } from 'yaml';
import type { Operation } from '../json/operation.ts';
import { isObject, isSame, type Json } from '../json/json.ts';
import { applyToValue } from '../json/apply.ts';
import { expandShared } from '../yaml/expand.ts';
import { editJson } from './json-edit.ts';
import type { Manifest } from './manifest.ts';
import { detectLayout } from '../yaml/layout.ts';
import { printOptions } from '../yaml/print.ts';
import { parseYaml } from '../grammar/yaml/document.ts';
import { spliceChanges, placeholder } from '../yaml/splice.ts';
import { changeDocument, materialiseBelow } from '../yaml/tree.ts';
import { readValue } from '../grammar/yaml/value.ts';
import { createValuePrinter, type ValuePrinter } from '../yaml/value-printer.ts';

/** A document after its operations: the exact text to write and its value. */
export interface Rewritten {
  readonly text: string;
  readonly value: Json;
  /** Whether the whole document was printed again, so that white space and shared nodes may look different. */
  readonly reprinted: boolean;
}

function rewriteJson(text: string, from: number, to: number, operations: readonly Operation[], value: Json): string {
  const edited = editJson(text, from, to, operations);
  if (isSame(JSON.parse(edited.slice(from, edited.length - text.length + to)), value)) return edited;
  throw new Error('the changed document would not read back as it should');
}

/** Replaces placeholders by the values that they stand for. */
function fillIn(value: Json, byPlaceholder: ReadonlyMap<Json, Json>): Json {
  const found = byPlaceholder.get(value);
  if (found !== undefined) return found;
  if (Array.isArray(value)) return value.map((item: Json) => fillIn(item, byPlaceholder));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner = null]) => [key, fillIn(inner, byPlaceholder)]));
}

function says(text: string, value: Json, values: readonly Json[] = []): boolean {
  const read = readValue(parseYaml(text));
  if ('message' in read) return false;
  const byPlaceholder = new Map(values.map((inner, index) => [placeholder(index), inner]));
  return isSame(fillIn(read.value, byPlaceholder), value);
}

/** Rewrites only the lines that change, or returns undefined if that is not possible. */
function rewriteInPlace(
  { text, document, plain }: { readonly text: string; readonly document: Document; readonly plain: boolean },
  operations: readonly Operation[],
  value: Json,
  printer: ValuePrinter,
): string | undefined {
  try {
    const spliced = spliceChanges(text, document, changeDocument(document, operations), printer);
    // Whole lines inserted between plain lines, at the column of their siblings, can only be parsed in one way.
    if (plain && !spliced.reprinted) return spliced.text;
    return says(spliced.probe(), value, spliced.values) ? spliced.text : undefined;
  } catch {
    return undefined;
  }
}

/** Prints the whole document again. Comments and order are kept, white space and shared nodes are not. */
function rewriteWhole(text: string, operations: readonly Operation[]): string {
  const document = parseYaml(text);
  const options = printOptions(detectLayout(text, document));
  expandShared(document);
  materialiseBelow(document, changeDocument(document, operations), document);
  const printed = document.toString(options);
  return text.includes('\r\n') ? printed.replaceAll('\n', '\r\n') : printed;
}

/**
 * Applies operations (pointers from the document's root) to one document. Text that no operation touches is kept byte
 * for byte. Only if a change affects aliases, merge keys or unusual notation, the document is printed again, with its
 * comments. Text that could be parsed in several ways is parsed again and compared before it is returned. The parsed
 * manifest is CONSUMED. Throws if an operation does not fit, or if the text would have another value. All manifests of
 * a run should share one printer.
 */
export function rewriteManifest(
  manifest: Manifest,
  operations: readonly Operation[],
  printer: ValuePrinter = createValuePrinter(),
): Rewritten {
  const { content, text } = manifest;
  if (content.format === 'empty') throw new Error('an empty document cannot be changed');
  const value = applyToValue(content.value, operations);
  if (content.format === 'json')
    return { text: rewriteJson(text, content.from, content.to, operations, value), value, reprinted: false };
  const inPlace = rewriteInPlace({ ...content, text }, operations, value, printer);
  if (inPlace !== undefined) return { text: inPlace, value, reprinted: false };
  const whole = rewriteWhole(text, operations);
  if (!says(whole, value)) throw new Error('the changed document would not read back as it should');
  return { text: whole, value, reprinted: true };
}
