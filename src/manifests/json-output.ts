import { parseYaml } from '../grammar/yaml/document.ts';
import { YamlNumber } from '../grammar/yaml/scalar.ts';
import { readDigits, type Tree } from '../grammar/yaml/value.ts';
import { parseJsonText, type JsonNode } from './json-text.ts';
import { readJson } from './manifest.ts';

/** Writes a value with all digits of its numbers. */
function writeJson(value: Tree<YamlNumber>): string {
  if (value instanceof YamlNumber) return value.digits;
  if (Array.isArray(value)) return `[${(value as readonly Tree<YamlNumber>[]).map(writeJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${writeJson(inner)}`);
  return `{${members.join(',')}}`;
}

/** One JSON value in a text of its own. */
interface JsonPiece {
  readonly text: string;
  readonly node: JsonNode;
}

/** The document as JSON, numbers with all their digits. Undefined for one without a JSON object or list. */
function jsonOf(text: string): JsonPiece | undefined {
  const json = readJson(text);
  if (json !== undefined && 'format' in json) return { text, node: parseJsonText(text, json.from) };
  const read = readDigits(parseYaml(text));
  if ('message' in read || read.value === null) return undefined;
  const written = writeJson(read.value);
  return { text: written, node: parseJsonText(written, 0) };
}

/** The items of a List, or the value itself. */
function itemsOf({ text, node }: JsonPiece): JsonPiece[] {
  const find = (key: string): JsonNode | undefined => node.entries.findLast((entry) => entry.key === key)?.value;
  const [kind, items] = [find('kind'), find('items')];
  if (kind === undefined || items?.kind !== 'list') return [{ text, node }];
  if (JSON.parse(text.slice(kind.from, kind.to)) !== 'List') return [{ text, node }];
  return items.entries.map((entry) => ({ text, node: entry.value }));
}

function print({ text, node }: JsonPiece, margin: string): string {
  const { kind, entries, from, to } = node;
  if (kind === 'scalar') return text.slice(from, to);
  const [open, close] = kind === 'object' ? ['{', '}'] : ['[', ']'];
  if (entries.length === 0) return open + close;
  const deeper = `${margin}  `;
  const lines = entries.map(({ key, value }) => {
    const head = key === undefined ? '' : `${JSON.stringify(key)}: `;
    return `${deeper}${head}${print({ text, node: value }, deeper)}`;
  });
  return `${open}\n${lines.join(',\n')}\n${margin}${close}`;
}

/**
 * Documents as one JSON text with a line break at its end: a single one as it is, several as a List, into which Lists
 * are emptied. Numbers and texts of JSON keep their notation, whole numbers of YAML all their digits.
 */
export function printAsJson(documents: readonly string[]): string {
  const pieces = documents.flatMap((text) => jsonOf(text) ?? []);
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return `${print(only, '')}\n`;
  const items = pieces.flatMap(itemsOf).map((piece) => `    ${print(piece, '    ')}`);
  const list = items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n  ]`;
  return `{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": ${list}\n}\n`;
}
