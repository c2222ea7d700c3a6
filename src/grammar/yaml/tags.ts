import type { ScalarTag, Tags } from 'yaml';
import { plainValue, resolvePlain, YamlNumber, type ScalarValue } from './scalar.ts';

/** The value of a plain scalar that is no text. It is printed as it was written: `1.0`, `0644`, `~`, 20 digits. */
export class PlainValue {
  readonly source: string;
  readonly value: Exclude<ScalarValue, string>;

  constructor(source: string, value: Exclude<ScalarValue, string>) {
    this.source = source;
    this.value = value;
  }
}

const plainTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:plain',
  default: true,
  test: plainValue,
  identify: (value) => value instanceof PlainValue || value === null || /^(?:number|boolean)$/.test(typeof value),
  resolve(text) {
    const value = resolvePlain(text);
    return typeof value === 'string' ? value : new PlainValue(text, value);
  },
  stringify: ({ value }) => (value instanceof PlainValue ? value.source : JSON.stringify(value)),
};

/** Control characters, line separators and byte order marks, which the library prints as they are, even between quotes. */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** The text between double quotes, with escapes for what readers of YAML take for a line break or refuse. */
export function escapeText(text: string): string {
  return JSON.stringify(text).replaceAll(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Tags with which texts are printed so that every reader of YAML reads the same. */
export function printableTags(tags: Tags): Tags {
  return tags.map((tag) => {
    if (typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:str' || tag.collection !== undefined) return tag;
    const { stringify } = tag;
    return {
      ...tag,
      stringify: (item, context, onComment, onChompKeep) =>
        typeof item.value === 'string' && item.value.search(unprintable) !== -1
          ? escapeText(item.value)
          : (stringify?.(item, context, onComment, onChompKeep) ?? String(item.value)),
    };
  });
}

/** The tags of what `parseYaml` parses, before others that only serve to print it. */
export function kubernetesTags(tags: Tags): Tags {
  return [plainTag, ...printableTags(tags)];
}

/** The library's tags of YAML 1.1, with plain scalars that mean what they mean to kubectl. */
export function plainScalarTags(tags: Tags): Tags {
  const scalar: ScalarTag = {
    tag: plainTag.tag,
    default: true,
    test: plainValue,
    resolve(text) {
      const value = resolvePlain(text);
      return value instanceof YamlNumber ? value.value : value;
    },
  };
  const isKept = (tag: Tags[number]): boolean =>
    typeof tag === 'string' || tag.test === undefined || tag.tag.endsWith(':merge');
  return [scalar, ...tags.filter(isKept)];
}
