import type { JsonObject } from '../../../json/json.ts';
import type { PathMatch, PathRewrite } from '../../plan/route-plan.ts';

/** Returns an `envoy.type.matcher.v3.RegexMatchAndSubstitute`. */
function replace(regex: string, substitution: string): JsonObject {
  return { regex_rewrite: { pattern: { regex }, substitution } };
}

/** A text that a regular expression of RE2 matches as it stands. */
function quoted(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}

/** A text that a substitution of RE2 puts in as it stands. */
function literal(text: string): string {
  return text.replaceAll('\\', '\\\\');
}

/** Replaces matched segments; where nothing is left of them, their slash goes, too. */
function segments(match: PathMatch | undefined, value: string): JsonObject {
  const to = value.replace(/\/+$/, '');
  const from = match?.value ?? '';
  if (from === '') return to === '' ? {} : { prefix_rewrite: `${to}/` };
  if (to !== '') return { prefix_rewrite: to };
  return replace(`^${match?.ignoresCase === true ? '(?i)' : ''}${quoted(from)}/?`, '/');
}

/** Returns the member of a route's action or redirect that changes the path. */
export function pathRewrite(match: PathMatch | undefined, rewrite: PathRewrite | undefined): JsonObject {
  switch (rewrite?.type) {
    case undefined:
      return {};
    case 'full':
      return replace('^/.*$', literal(rewrite.value));
    case 'matched':
      return { prefix_rewrite: rewrite.value };
    case 'segments':
      return segments(match, rewrite.value);
    case 'regex':
      return replace(rewrite.pattern, rewrite.substitution);
  }
}
