import type { Effective } from './effective.ts';
import type { Grammar } from '../grammar/grammar.ts';

/**
 * What a row does with its value. Without effect: the value is checked, and a warning says that nothing follows from
 * it. Refused: the pod is denied with the reason and with what to use instead.
 */
export type Mark = 'effective' | 'accepted without effect' | 'refused';

/** Where the name stands: in the pod's annotations, in the pod's labels, or in its namespace's labels. */
export type Kind = 'annotation' | 'label' | 'namespace label';

/** What one value gives beside its effect: a problem denies the pod, a remark becomes a warning. */
export type Finding = { readonly problem: string } | { readonly remark: string };

/** What a row means beside an istiod, where the proxy is Istio's own. */
export type IstiodUse =
  | {
      readonly mark: 'effective';
      /** Undefined when another part reads the value, or none has to. */
      readonly grammar: Grammar<unknown> | undefined;
      /** What is different from the mode standalone; empty when nothing is. */
      readonly note: string;
    }
  | {
      readonly mark: 'accepted without effect';
      readonly because: string;
      /** The settings' `istiod.hardened` gives it an effect. */
      readonly unlessHardened?: true;
    }
  | { readonly mark: 'left to others' };

/** One annotation or label that a pod may carry. */
export interface AnnotationRow {
  readonly name: string;
  readonly kind: Kind;
  readonly mark: Mark;
  /** What is allowed, in words; bounds included. */
  readonly allowed: string;
  /** The setting that gives the default, or the default itself. */
  readonly defaultText: string;
  /** One sentence for the documentation: the effect, or why there is none. */
  readonly doc: string;
  /** Reads the text into the draft and says what is to be said about it; undefined when another part reads the value. */
  readonly apply: ((text: string, draft: Effective) => readonly Finding[]) | undefined;
  /** The same in the mode istiod. */
  readonly istiod: IstiodUse;
}

/** A row as its subject writes it; what it means beside an istiod is said in one place for all. */
export type StandaloneRow = Omit<AnnotationRow, 'istiod'>;

interface Named {
  readonly name: string;
  /** Default: annotation. */
  readonly kind?: Kind;
}

interface Definition<T> extends Named {
  readonly grammar: Grammar<T>;
  readonly defaultText: string;
  readonly doc: string;
  readonly set: (draft: Effective, value: T) => readonly Finding[] | void;
}

const nothing: readonly Finding[] = [];

/** A row whose value changes the effective settings. `set` may find what the grammar cannot see. */
export function effective<T>(definition: Definition<T>): StandaloneRow {
  const { name, kind = 'annotation', grammar, defaultText, doc, set } = definition;
  return {
    name,
    kind,
    mark: 'effective',
    allowed: grammar.allowed,
    defaultText,
    doc,
    apply(text, draft) {
      const parsed = grammar.parse(text);
      return 'problem' in parsed ? [parsed] : (set(draft, parsed.value) ?? nothing);
    },
  };
}

/**
 * A row whose value is read by another part: the policy, the choice of a profile, the record, the API server. That
 * part refuses a bad value itself.
 */
export function readElsewhere(
  definition: Named & { readonly allowed: string; readonly defaultText: string; readonly doc: string },
): StandaloneRow {
  const { name, kind = 'annotation', allowed, defaultText, doc } = definition;
  return { name, kind, mark: 'effective', allowed, defaultText, doc, apply: undefined };
}

/** A row of Istio's that means nothing to a proxy without a control plane; `because` completes "has no effect: …". */
export function withoutEffect<T>(
  definition: Named & { readonly grammar: Grammar<T>; readonly because: string },
): StandaloneRow {
  const { name, kind = 'annotation', grammar, because } = definition;
  return {
    name,
    kind,
    mark: 'accepted without effect',
    allowed: grammar.allowed,
    defaultText: 'none',
    doc: because,
    apply(text) {
      const parsed = grammar.parse(text);
      return [
        'problem' in parsed ? parsed : { remark: `${kind} ${JSON.stringify(name)} has no effect here: ${because}` },
      ];
    },
  };
}

/**
 * A row that is denied, because silence would leave the user with something else than was asked for. Values of
 * `harmless` ask for what happens anyway and pass.
 */
export function refused(
  definition: Named & { readonly harmless?: Grammar<unknown>; readonly because: string; readonly instead: string },
): StandaloneRow {
  const { name, kind = 'annotation', harmless, because, instead } = definition;
  return {
    name,
    kind,
    mark: 'refused',
    allowed: harmless?.allowed ?? 'nothing',
    defaultText: 'none',
    doc: `${because}; ${instead}`,
    apply(text) {
      if (harmless !== undefined && !('problem' in harmless.parse(text))) return nothing;
      return [{ problem: `is refused: ${because}; ${instead}` }];
    },
  };
}

/** A row that is addressed to somebody else: it is left as it is, and nothing is said about it. */
export function leftToOthers(definition: Named & { readonly whose: string }): StandaloneRow {
  const { name, kind = 'annotation', whose } = definition;
  return {
    name,
    kind,
    mark: 'accepted without effect',
    allowed: 'anything',
    defaultText: 'none',
    doc: `It ${whose}; without a warning.`,
    apply: undefined,
  };
}
