import {
  isObject,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../src/json/json.ts';

/*
 * Routes of Envoy in which a request decides by its headers on what Envoy would decide by luck.
 */

/** A request with this header goes to the destination whose share of the weights has its value. */
export const shareHeader = 'x-share';

/** What happens to a share of the requests: to one whose header has a number below the share, in millionths. */
export const drawHeaders = {
  delay: 'x-draw-delay',
  abort: 'x-draw-abort',
  request_mirror_policies: 'x-draw-mirror',
} as const;

type Path = readonly (string | number)[];

/** A share of the requests that Envoy would draw. */
interface Draw {
  readonly path: Path;
  readonly header: string;
  readonly perMillion: number;
}

const million = 1_000_000;
const denominators: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: million };

/** Returns the first `envoy.type.v3.FractionalPercent` that is neither none nor all. Throws if it is about something else than what has a header. */
function drawOf(value: Json, path: Path = []): Draw | undefined {
  if (Array.isArray(value)) {
    return value.map((one: Json, index) => drawOf(one, [...path, index])).find((one) => one !== undefined);
  }
  if (!isObject(value)) return undefined;
  if (typeof value['numerator'] === 'number') {
    const perMillion =
      (value['numerator'] / (denominators[stringMember(value, 'denominator') ?? 'HUNDRED'] ?? 0)) * million;
    if (perMillion <= 0 || perMillion >= million) return undefined;
    const header = Object.entries(drawHeaders).find(([name]) => path.includes(name))?.[1];
    if (header === undefined) throw new Error(`${path.join('.')} is left to luck`);
    return { path, header, perMillion };
  }
  return Object.entries(value)
    .map(([key, one]) => drawOf(one as Json, [...path, key]))
    .find((one) => one !== undefined);
}

/** Returns the value with another one at the path. */
function replaced(value: Json, [first, ...rest]: Path, by: Json): Json {
  if (first === undefined) return by;
  if (Array.isArray(value)) return value.map((one: Json, index) => (index === first ? replaced(one, rest, by) : one));
  if (!isObject(value)) throw new Error(`there is no ${first}`);
  return { ...value, [first]: replaced(value[first] as Json, rest, by) };
}

/** Returns the route once for each outcome of its draws. */
function outcomesOf(route: JsonObject): readonly JsonObject[] {
  const draw = drawOf(route);
  if (draw === undefined) return [route];
  const { path, header, perMillion } = draw;
  const match = objectMember(route, 'match') ?? {};
  const range_match = { start: '0', end: String(perMillion) };
  const headers = [...objectsMember(match, 'headers'), { name: header, range_match }];
  const always = replaced(route, path, { numerator: 100, denominator: 'HUNDRED' }) as JsonObject;
  const never = replaced(route, path, { numerator: 0, denominator: 'HUNDRED' }) as JsonObject;
  return [...outcomesOf({ ...always, match: { ...match, headers } }), ...outcomesOf(never)];
}

/**
 * Leaves nothing to luck: headers of the request decide on weights, faults and copies. Of several hashes only the first counts: istiod names the same one
 * again for each destination, which makes it another hash, and what calls have is the same for all of them.
 */
export function decidedByHeaders(value: Json): Json {
  if (Array.isArray(value)) return value.map(decidedByHeaders);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]): [string, Json] => {
      const made = decidedByHeaders(one as Json);
      if (key === 'weighted_clusters') return [key, { ...(made as JsonObject), header_name: shareHeader }];
      if (key === 'routes' && Array.isArray(made)) return [key, (made as JsonObject[]).flatMap(outcomesOf)];
      return [key, key === 'hash_policy' && Array.isArray(made) ? made.slice(0, 1) : made];
    }),
  );
}
