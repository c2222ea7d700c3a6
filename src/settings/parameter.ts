import { grammar, imageReference, integer, quantity, refuse, trueOrFalse, type Grammar } from '../grammar/grammar.ts';
import { parseQuantity } from '../grammar/quantity.ts';
import type { Parameter } from './schema/template.ts';
import { matchesWildcard } from '../grammar/wildcard.ts';

/** The maximum length of a string that does not set one. */
const longestText = 1024;

/** The bounds that apply to each type. */
export const boundsOf: Readonly<Record<Parameter['type'], readonly (keyof Parameter)[]>> = {
  string: ['pattern', 'enum', 'maxLength'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  quantity: ['minimum', 'maximum'],
  path: ['pattern', 'maxLength'],
  image: ['allowed'],
  secretName: ['pattern'],
};

/** All bounds, to detect those that do not apply to a type. */
export const allBounds = ['pattern', 'enum', 'maxLength', 'minimum', 'maximum', 'allowed'] as const;

function textGrammar(parameter: Parameter, kind: string, accepts: (text: string) => boolean): Grammar<string> {
  const { pattern, enum: words, maxLength = longestText } = parameter;
  // Anchored, so that a pattern has to match the whole value.
  const expression = pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`, 'u');
  const allowed = words?.join(', ') ?? `${kind}${pattern === undefined ? '' : ` like ${pattern}`}`;
  return {
    allowed,
    parse(text) {
      if (text.length > maxLength) {
        return { problem: `has ${text.length} characters, at most ${maxLength} are allowed` };
      }
      const fits = words?.includes(text) ?? (accepts(text) && expression?.test(text) !== false);
      return fits ? { value: text } : refuse(text, allowed);
    },
  };
}

function amountOf(value: string | number | undefined, otherwise: number): number {
  return value === undefined ? otherwise : (parseQuantity(String(value)) ?? otherwise);
}

function quantityGrammar({ minimum, maximum }: Parameter): Grammar<string> {
  const least = amountOf(minimum, 0);
  const most = amountOf(maximum, Infinity);
  const from = minimum === undefined ? '' : ` from ${minimum}`;
  const allowed = `${quantity.allowed}${from}${maximum === undefined ? '' : ` up to ${maximum}`}`;
  return grammar(allowed, (text) => {
    const amount = parseQuantity(text);
    return amount !== undefined && amount >= least && amount <= most ? text : undefined;
  });
}

function imageGrammar({ allowed: patterns = [] }: Parameter): Grammar<string> {
  return grammar(patterns.join(', '), (text) =>
    'value' in imageReference.parse(text) && patterns.some((pattern) => matchesWildcard(pattern, text))
      ? text
      : undefined,
  );
}

function sameText<T>(inner: Grammar<T>): Grammar<string> {
  return {
    allowed: inner.allowed,
    parse(text) {
      const parsed = inner.parse(text);
      return 'problem' in parsed ? parsed : { value: text };
    },
  };
}

/** An RFC 1123 subdomain, which names of Secrets are. */
const subdomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function isPath(text: string): boolean {
  return /^\/[^:\p{Cc}]*$/u.test(text) && !text.split('/').includes('..');
}

/**
 * The grammar of the values of a template's parameter. Throws a SyntaxError if the parameter's pattern is not a regular
 * expression.
 */
export function parameterGrammar(parameter: Parameter): Grammar<string> {
  const { type, minimum = 0, maximum = 9_999_999_999 } = parameter;
  switch (type) {
    case 'string':
      return textGrammar(parameter, 'a text without control characters', (text) => !/\p{Cc}/u.test(text));
    case 'path':
      return textGrammar(parameter, 'an absolute path without ":" and ".."', isPath);
    case 'secretName':
      return textGrammar(parameter, 'the name of a Secret', (text) => text.length <= 253 && subdomain.test(text));
    case 'integer':
      return sameText(integer(Number(minimum), Number(maximum)));
    case 'boolean':
      return sameText(trueOrFalse);
    case 'quantity':
      return quantityGrammar(parameter);
    case 'image':
      return imageGrammar(parameter);
  }
}
