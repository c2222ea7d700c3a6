import type { Effective } from './effective.ts';
import type { Grammar } from './grammar.ts';

/** What a row of the annotation table does with its value. */
export type Mark = 'effective' | 'accepted without effect' | 'refused';

/** One annotation that a pod may carry. */
export interface AnnotationRow {
  readonly name: string;
  readonly mark: Mark;
  /** What is allowed, in words. */
  readonly allowed: string;
  /** The setting that gives the default, or the default itself. */
  readonly defaultText: string;
  /** One sentence for the documentation. */
  readonly doc: string;
  /** Reads the text into the draft; a returned text is the problem. */
  apply(text: string, draft: Effective): string | undefined;
}

interface Definition<T> {
  readonly name: string;
  readonly grammar: Grammar<T>;
  readonly defaultText: string;
  readonly doc: string;
  readonly set: (draft: Effective, value: T) => string | void;
}

/** A row whose value changes the effective settings. `set` may return a problem that the grammar cannot see. */
export function effective<T>(definition: Definition<T>): AnnotationRow {
  const { name, grammar, defaultText, doc, set } = definition;
  return {
    name,
    mark: 'effective',
    allowed: grammar.allowed,
    defaultText,
    doc,
    apply(text, draft) {
      const parsed = grammar.parse(text);
      if ('problem' in parsed) return parsed.problem;
      return set(draft, parsed.value) ?? undefined;
    },
  };
}
