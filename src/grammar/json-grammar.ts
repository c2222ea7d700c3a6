import type { Grammar } from './grammar.ts';
import { isObject, type Json, type JsonObject } from '../json/json.ts';

/** Limits how much work one annotation can cause. */
const longest = 16_384;

function json<T extends Json>(allowed: string, accepts: (value: unknown) => value is T): Grammar<T> {
  return {
    allowed,
    parse(text) {
      if (text.length > longest) return { problem: `is longer than ${longest} characters; allowed: ${allowed}` };
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return { problem: `is no JSON; allowed: ${allowed}` };
      }
      return accepts(value) ? { value } : { problem: `is JSON of another type; allowed: ${allowed}` };
    },
  };
}

/** A JSON object, at most 16 Ki characters. */
export const jsonObject: Grammar<JsonObject> = json('a JSON object', isObject);

/** A JSON object or list, at most 16 Ki characters. */
export const jsonObjectOrList: Grammar<JsonObject | readonly Json[]> = json(
  'a JSON object or list',
  (value): value is JsonObject | readonly Json[] => isObject(value) || Array.isArray(value),
);
