import { isObject, member, type Json } from '../json/json.ts';
import { escapeToken } from '../json/operation.ts';
import { pointerTokens } from '../json/pointer.ts';

/** A value inside another one. */
export interface Place {
  /** JSON Pointer of the value. */
  readonly pointer: string;
  readonly value: Json;
}

function entriesOf(value: Json): [string, Json][] {
  if (Array.isArray(value)) return value.map((item: Json, index) => [String(index), item]);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, item]]));
}

function step({ pointer, value }: Place, token: string): Place[] {
  if (token === '*') {
    return entriesOf(value).map(([key, item]) => ({ pointer: `${pointer}/${escapeToken(key)}`, value: item }));
  }
  const item = Array.isArray(value)
    ? (value as readonly Json[])[/^(?:0|[1-9]\d*)$/.test(token) ? Number(token) : -1]
    : member(isObject(value) ? value : undefined, token);
  return item === undefined ? [] : [{ pointer: `${pointer}/${escapeToken(token)}`, value: item }];
}

/** Finds what a path leads to, in order. In the path, a JSON Pointer, `*` stands for every item or member. */
export function placesAt(value: Json, path: string): readonly Place[] {
  let places: Place[] = [{ pointer: '', value }];
  for (const token of pointerTokens(path)) places = places.flatMap((place) => step(place, token));
  return places;
}

const deepest = 16;

/**
 * Finds the paths of all values that pass, without looking into those; items of lists are joined to `*`. Looks at most
 * 16 levels deep.
 */
export function pathsOf(value: Json, passes: (value: Json) => boolean, path = '', level = 0): ReadonlySet<string> {
  if (path !== '' && passes(value)) return new Set([path]);
  if (level === deepest) return new Set();
  const isList = Array.isArray(value);
  return new Set(
    entriesOf(value).flatMap(([key, item]) => [
      ...pathsOf(item, passes, `${path}/${isList ? '*' : escapeToken(key)}`, level + 1),
    ]),
  );
}
