import { visible } from './visible.ts';

/** A problem of an input. `where` is a path such as `spec.proxy.image`, or the name of an annotation. */
export interface Problem {
  readonly where: string;
  readonly message: string;
}

/** The problem on one line, for people. */
export function describeProblem(problem: Problem): string {
  return problem.where === '' ? problem.message : `${problem.where}: ${problem.message}`;
}

/** Quotes a user's text for a message: truncated to 64 characters, with invisible characters escaped. */
export function quote(text: string): string {
  const cut = text.length > 64 ? `${text.slice(0, 61).replace(/[\uD800-\uDBFF]$/, '')}...` : text;
  return visible(JSON.stringify(cut));
}

/** Returns the problem of a value that YAML has read as a number or a truth value, where Kubernetes takes text only. */
export function notText(allowed: string): string {
  return `must be a string: quote it; allowed: ${allowed}`;
}
