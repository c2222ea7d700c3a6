import { visible } from './visible.ts';

/** One thing wrong with an input. `where` is a path such as `spec.proxy.image` or an annotation's name. */
export interface Problem {
  readonly where: string;
  readonly message: string;
}

/** One line for people: where, what, what is allowed. */
export function describeProblem(problem: Problem): string {
  return problem.where === '' ? problem.message : `${problem.where}: ${problem.message}`;
}

/** A user's text in a message: quoted, cut to 64 characters, characters that are not seen escaped. */
export function quote(text: string): string {
  const cut = text.length > 64 ? `${text.slice(0, 61).replace(/[\uD800-\uDBFF]$/, '')}...` : text;
  return visible(JSON.stringify(cut));
}
