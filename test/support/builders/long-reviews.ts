import type { Json, JsonObject } from '../../../src/json/json.ts';

/** A value that one place of a review can be given, as long as wanted: some `size` bytes. */
interface Stretch {
  readonly name: string;
  readonly make: (size: number) => string;
}

/** One place of a document, and what makes the document long there. */
export interface LongPlace {
  /** JSON Pointer and what stands there, for the message of a failure. */
  readonly name: string;
  /** Whether the place holds many values rather than a long one; two such places may multiply. */
  readonly isList: boolean;
  /** Whether it becomes a document of its own, in JSON or YAML. */
  readonly isDocument: boolean;
  /** A copy of the document with some `size` bytes there. */
  stretch(document: JsonObject, size: number): JsonObject;
}

const repeat =
  (piece: string, end = '') =>
  (size: number): string =>
    piece.repeat(Math.ceil(size / piece.length)) + end;

/** Texts that a careless expression, split or search takes long for: runs that fail at their end, nests, long lists. */
const texts: readonly Stretch[] = [
  ['dashes', '-', 'x'],
  ['slashes', '/', 'x'],
  ['blanks', ' ', 'x'],
  ['dots', '.', '/'],
  ['letters', 'a', '!'],
  ['digits', '1', 'x'],
  ['brackets', '[', ']x'],
  ['controls', '\u0001', 'x'],
  ['commas', '1,', 'x'],
  ['pairs', 'a:1,', 'x'],
  ['assignments', 'a=b;', 'x'],
  ['segments', '/a', '?#%'],
  ['colons', 'a:', '@'],
  ['labels', 'a-', ''],
  ['domains', 'a.', ''],
  ['percents', '%', '%zz'],
  ['quotes', '"\\', "'"],
  ['wide', '\u{1f600}', '\u2028'],
].map(([name = '', piece = '', end = '']) => ({ name, make: repeat(piece, end) }));

/** Texts of annotations that are documents themselves. */
const documents: readonly Stretch[] = [
  { name: 'JSON keys', make: (size) => JSON.stringify(manyKeys(size)) },
  {
    name: 'JSON list',
    make: (size) =>
      JSON.stringify(Array.from({ length: size / 20 }, (_, at) => ({ name: `n${at}`, mountPath: `/m${at}` }))),
  },
  {
    name: 'JSON map of objects',
    make: (size) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: size / 20 }, (_, at) => [`n${at}`, { emptyDir: {} }]))),
  },
  {
    name: 'YAML keys',
    make: (size) =>
      Array.from({ length: size / 8 }, (_, at) => `${at.toString(36)}: 1\n`)
        .join('')
        .slice(0, size),
  },
  { name: 'YAML flow', make: repeat('[', '') },
  {
    name: 'YAML anchors',
    make: (size) => Array.from({ length: size / 16 }, (_, at) => `k${at}: &a${at} 1\n`).join(''),
  },
  { name: 'YAML quotes', make: repeat("'' ", '') },
  { name: 'YAML comments', make: repeat('#\n', '') },
  { name: 'nested JSON', make: (size) => `${'{"a":'.repeat(size / 6)}1${'}'.repeat(size / 6)}` },
];

function manyKeys(size: number): JsonObject {
  return Object.fromEntries(Array.from({ length: Math.ceil(size / 16) }, (_, at) => [`key${at}`, `v${at}`]));
}

type Path = readonly (string | number)[];

function pointerOf(path: Path): string {
  return path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A copy of the document in which `change` made another value of the one at the path. */
function changed(value: Json | undefined, path: Path, change: (value: Json | undefined) => Json): Json {
  const [token, ...rest] = path;
  if (token === undefined) return change(value);
  if (Array.isArray(value)) return value.map((item: Json, at) => (at === token ? changed(item, rest, change) : item));
  const entries = new Map(Object.entries((value ?? {}) as JsonObject) as [string, Json][]);
  entries.set(String(token), changed(entries.get(String(token)), rest, change));
  return Object.fromEntries(entries);
}

function place(
  path: Path,
  what: string,
  isList: boolean,
  make: (value: Json | undefined, size: number) => Json,
): LongPlace {
  return {
    name: `${pointerOf(path)} ${what}`,
    isList,
    isDocument: false,
    stretch: (document, size) => changed(document, path, (value) => make(value, size)) as JsonObject,
  };
}

/** The value with the number in every text and port of it, so that a thousand of it differ. */
function numbered(value: Json, at: number): Json {
  if (typeof value === 'string') return `${value}${at}`;
  if (typeof value === 'number') return value + at;
  if (Array.isArray(value)) return value.map((item: Json) => numbered(item, at));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, numbered(inner ?? null, at)]));
}

function named(value: Json, at: number): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return numbered(value, at);
  return { ...(value as JsonObject), name: `n${at}` };
}

function listPlaces(path: Path, items: readonly Json[]): LongPlace[] {
  const many =
    (item: Json, make: (item: Json, at: number) => Json) =>
    (value: Json | undefined, size: number): Json => {
      const length = Math.ceil(size / (JSON.stringify(item).length + 4));
      return [...((value ?? []) as readonly Json[]), ...Array.from({ length }, (_, at) => make(item, at))];
    };
  return items.flatMap((item, index) => [
    place(
      path,
      `many like [${index}]`,
      true,
      many(item, (one) => one),
    ),
    place(path, `many like [${index}], numbered`, true, many(item, numbered)),
    place(path, `many like [${index}], named`, true, many(item, named)),
    place(path, `many small like [${index}]`, true, many({ name: 'a' }, named)),
  ]);
}

/** Kinds of keys that a map of a user's may have many of. */
const keyPrefixes = [
  'k',
  'sidecar.istio.io/k',
  'log-shipper.sidecar-injector.io/k',
  'prometheus.io/port',
  'prometheus-io-',
];

function mapPlaces(path: Path): LongPlace[] {
  const withKeys =
    (keys: (size: number) => readonly string[]) =>
    (value: Json | undefined, size: number): Json => ({
      ...((value ?? {}) as JsonObject),
      ...Object.fromEntries(keys(size).map((key) => [key, 'v'])),
    });
  return [
    ...keyPrefixes.map((prefix) =>
      place(
        path,
        `many keys ${prefix}`,
        true,
        withKeys((size) => Array.from({ length: Math.ceil(size / (prefix.length + 10)) }, (_, at) => `${prefix}${at}`)),
      ),
    ),
    ...texts.map(({ name, make }) =>
      place(
        path,
        `a key of ${name}`,
        false,
        withKeys((size) => [make(size)]),
      ),
    ),
  ];
}

/** Every place of the document below the path: texts that become long, lists and maps that get many members. */
export function longPlaces(value: Json, path: Path = []): LongPlace[] {
  if (typeof value === 'string')
    return texts.map(({ name, make }) => place(path, name, false, (_, size) => make(size)));
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    return [...listPlaces(path, items), ...items.flatMap((item, at) => longPlaces(item, [...path, at]))];
  }
  const inner = Object.entries(value as JsonObject).flatMap(([key, one]) => longPlaces(one ?? null, [...path, key]));
  return [...mapPlaces(path), ...inner];
}

/** One member of a map of texts, whether it is there or not, with every text and every document. */
export function longTexts(path: Path): LongPlace[] {
  const placed = (stretches: readonly Stretch[]): LongPlace[] =>
    stretches.map(({ name, make }) => place(path, name, false, (_, size) => make(size)));
  return [...placed(texts), ...placed(documents).map((one) => ({ ...one, isDocument: true }))];
}
