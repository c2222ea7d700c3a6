import { parseDocument, type Document, type ScalarTag, type Tags } from 'yaml';

const times = 'tag:yaml.org,2002:timestamp';
const binary = 'tag:yaml.org,2002:binary';

/** Tags that kubectl does not know: maps and lists keep their values, scalars are texts. */
const unknown = new Set([times, ...['omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`)]);
const numbers = new Set(['tag:yaml.org,2002:int', 'tag:yaml.org,2002:float']);

/** Base64, which kubectl reads as the text that it stands for. Printed as it was written. */
const binaryText: ScalarTag = {
  tag: binary,
  default: false,
  resolve(text, onError) {
    try {
      return new TextDecoder().decode(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
    } catch {
      onError('!!binary must be followed by base64');
      return text;
    }
  },
  stringify: ({ source }) => JSON.stringify((source ?? '').replaceAll(/\s/g, '')),
};

/**
 * A number, printed as it was written: `1.0`, `0644` and 20 digits say more than a number of JavaScript. The library
 * takes `e3` and `.` for numbers, which are texts in kubectl.
 */
function writtenNumber(tag: ScalarTag): ScalarTag {
  const isInfinity = tag.test?.test('.inf') === true;
  return {
    ...tag,
    ...(tag.test === undefined || isInfinity ? {} : { test: new RegExp(`^(?=[-+]?\\.?\\d)(?:${tag.test.source})`) }),
    stringify: (item, context, onComment, onChompKeep) =>
      item.source ?? tag.stringify?.(item, context, onComment, onChompKeep) ?? String(item.value),
  };
}

/**
 * The schema of YAML 1.1 as kubectl reads it: `yes` is true and 0644 is octal, but times, dates and base-60 numbers are
 * texts.
 */
export function kubernetesTags(tags: Tags): Tags {
  return tags.flatMap((tag): Tags => {
    if (typeof tag === 'string') return [tag];
    if (tag.tag === binary) return [binaryText];
    if (unknown.has(tag.tag) || tag.format === 'TIME') return [];
    return [numbers.has(tag.tag) && tag.collection === undefined ? writtenNumber(tag) : tag];
  });
}

/**
 * Parses one YAML document as kubectl does. Positions of its nodes are offsets in `text`. Whether keys are unique is
 * left to `readValue`: the library compares every key with every other.
 *
 * @param options.intAsBigInt whether whole numbers become `bigint`, which has all their digits
 */
export function parseYaml(text: string, { intAsBigInt = false } = {}): Document {
  return parseDocument(text, {
    version: '1.1',
    customTags: kubernetesTags,
    intAsBigInt,
    prettyErrors: false,
    uniqueKeys: false,
  });
}
