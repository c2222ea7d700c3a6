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

/**
 * Joins problems with the same message that differ only in the last part of their place, such as the field of a
 * container in `container "istio-init", env`.
 */
export function joinProblems(problems: readonly Problem[]): Problem[] {
  const joined = new Map<string, { readonly owner: string; readonly parts: string[]; readonly message: string }>();
  for (const { where, message } of problems) {
    const cut = where.lastIndexOf(', ');
    const [owner, part] = cut < 0 ? ['', where] : [where.slice(0, cut + 2), where.slice(cut + 2)];
    const key = JSON.stringify([owner, message]);
    const same = joined.get(key);
    if (same === undefined) joined.set(key, { owner, parts: [part], message });
    else same.parts.push(part);
  }
  return [...joined.values()].map(({ owner, parts, message }) => ({ where: owner + parts.join(', '), message }));
}
