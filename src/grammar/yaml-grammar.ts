import { isAlias, isScalar, visit, type Document } from 'yaml';
import type { Grammar } from './grammar.ts';
import { isObject, type JsonObject } from '../json/json.ts';
import { parseYaml } from './yaml/document.ts';
import { readValue } from './yaml/value.ts';

const longest = 16_384;
const allowed = 'a map in YAML or JSON, at most 16384 characters, without anchors';

/** Whether there is an anchor, alias or tag, or a key that is no scalar. */
function isOdd(document: Document): boolean {
  let odd = false;
  visit(document, {
    Node: (_key, node) => {
      odd ||= isAlias(node) || node.tag !== undefined || ('anchor' in node && node.anchor !== undefined);
      return odd ? visit.BREAK : undefined;
    },
    Pair: (_key, pair) => {
      odd ||= !isScalar(pair.key);
      return odd ? visit.BREAK : undefined;
    },
  });
  return odd;
}

/**
 * A map in YAML 1.1 or JSON, as Go's sigs.k8s.io/yaml reads it. Anchors, tags and keys that are not scalars are
 * refused: they are not needed here, and they let a small text become a large value.
 */
export const yamlMap: Grammar<JsonObject> = {
  allowed,
  parse(text) {
    if (text.length > longest) return { problem: `is longer than ${longest} characters; allowed: ${allowed}` };
    const document = parseYaml(text);
    if (document.errors.length === 0 && isOdd(document)) {
      return { problem: `has an anchor, alias, tag or a key that is no text; allowed: ${allowed}` };
    }
    const read = readValue(document);
    if ('message' in read) return { problem: `is no YAML (${read.message}); allowed: ${allowed}` };
    const { value } = read;
    if (value === null) return { value: {} };
    return isObject(value) ? { value } : { problem: `is no map; allowed: ${allowed}` };
  },
};
