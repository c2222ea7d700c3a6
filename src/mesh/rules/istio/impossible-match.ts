import { quote } from '../../../grammar/problem.ts';
import type { StringMatch } from './http-match.ts';
import type { HttpMatch } from './http-route.ts';

/** The end of a sentence about a comparison that no request fits. */
type Remedy = string | undefined;

/** Whether an expression begins with a letter or digit that has to be there. */
function beginsWithLetter(regex: string): boolean {
  return /^[\w-](?![?*{|])/.test(regex) && !regex.includes('|');
}

function pathRemedy(uri: StringMatch): Remedy {
  if (uri.type === 'present') return undefined;
  const { type, value } = uri;
  if (type === 'regex') return beginsWithLetter(value) ? `begin it with /: "/${value}"` : undefined;
  const [before = '', sign] = /^([^?#]*)([?#])/.exec(value)?.slice(1) ?? [];
  if (sign !== undefined) return `the query is no part of the path: compare ${quote(before)}, and queryParams`;
  // The only path without it is that of `OPTIONS *`.
  if (value.startsWith('/') || value === '*' || (value === '' && type === 'prefix')) return undefined;
  return `paths begin with /: write ${quote(`/${value}`)}`;
}

function methodRemedy(method: StringMatch): Remedy {
  if (method.type !== 'exact' && method.type !== 'prefix') return undefined;
  const written = method.value.toUpperCase();
  return written === method.value ? undefined : `methods are in capital letters: write ${quote(written)}`;
}

function schemeRemedy(scheme: StringMatch): Remedy {
  if (scheme.type !== 'exact' && scheme.type !== 'prefix') return undefined;
  const { type, value } = scheme;
  const fits = (one: string): boolean => (type === 'exact' ? one === value : one.startsWith(value));
  return ['http', 'https'].some(fits) ? undefined : 'write "http" or "https"';
}

const remedies = { uri: pathRemedy, method: methodRemedy, scheme: schemeRemedy } as const;

/**
 * Returns the comparisons of a block that no request fits, each with what to write instead: such a block is valid, and nothing happens. Methods in
 * small letters are counted among them, although nothing forbids a client to send one.
 */
export function impossibleComparisons(block: HttpMatch): readonly (readonly [field: string, sentence: string])[] {
  return (['uri', 'method', 'scheme'] as const).flatMap((name) => {
    const comparison = block[name];
    const remedy = comparison === undefined ? undefined : remedies[name](comparison);
    if (comparison === undefined || comparison.type === 'present' || remedy === undefined) return [];
    const { type, value } = comparison;
    return [[`/${name}/${type}`, `no request fits ${quote(value)}: ${remedy}`] as const];
  });
}
