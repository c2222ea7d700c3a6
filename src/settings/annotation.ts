import type { PodSettings } from './effective.ts';
import type { Grammar } from '../grammar/grammar.ts';

/**
 * What follows from a good value. Supported: the pod gets it. Ignored: nothing, and a warning says why. Denied: the pod is
 * denied with the reason and the alternative.
 */
export type Support = 'supported' | 'ignored' | 'denied';

/** Where the key is set: in the pod's annotations, in the pod's labels, or in the labels of its namespace. */
export type Kind = 'annotation' | 'label' | 'namespace label';

/** What reading one value reports: a problem denies the pod, a warning does not. */
export type Finding = { readonly problem: string } | { readonly warning: string };

/** What a row means in istiod mode, where Istio's own proxy is injected. */
export type IstiodUse =
  | {
      readonly support: 'supported';
      /** Checks the value. Undefined if other code checks it, or if any value is allowed. */
      readonly grammar: Grammar<unknown> | undefined;
      /** How the meaning differs from standalone mode; empty if it does not. */
      readonly note: string;
      /** The value of `global.proxy` that the annotation overrides. */
      readonly value?: string;
    }
  | {
      readonly support: 'ignored';
      /** Completes "has no effect in the mode istiod: …". */
      readonly because: string;
      /** Whether the setting `istiod.hardened` makes it effective. */
      readonly unlessHardened?: true;
    };

/** One annotation or label that a pod or its namespace may set. */
export interface AnnotationRow {
  readonly name: string;
  readonly kind: Kind;
  readonly support: Support;
  /** The allowed values in words, with bounds. */
  readonly allowed: string;
  /** The setting that provides the default, or the default itself. */
  readonly defaultText: string;
  /** One sentence for the documentation: what it does, or why it does nothing. */
  readonly doc: string;
  /** Parses the value, applies it to the draft and reports findings. Undefined if other code reads the value. */
  readonly apply: ((text: string, draft: PodSettings) => readonly Finding[]) | undefined;
  /** What to use instead of a deprecated key; completes "is deprecated; use …". */
  readonly deprecated?: string | undefined;
  /** The meaning in istiod mode. Undefined if the key belongs to another program there. */
  readonly istiod: IstiodUse | undefined;
}

/** The istiod column as a row writes it; fields that are left out get the default of the row's constructor. */
type IstiodColumn =
  | { readonly grammar?: Grammar<unknown> | undefined; readonly note?: string; readonly value?: string }
  | { readonly because: string; readonly unlessHardened?: true };

/** The istiod column of an annotation of our own that has the same meaning in both modes. */
export const asInStandalone: IstiodColumn = {};

interface Named {
  readonly name: string;
  /** Defaults to annotation. */
  readonly kind?: Kind;
  readonly deprecated?: string;
  readonly istiod?: IstiodColumn | undefined;
}

/** Completes the istiod column. The API server checks labels, so only annotations have a grammar there. */
function istiodUse({ name, kind = 'annotation', istiod }: Named, grammar?: Grammar<unknown>, note = ''): IstiodUse {
  if (istiod === undefined && name.startsWith('sidecar-injector.io/')) {
    return { support: 'ignored', because: 'it belongs to the mode standalone' };
  }
  if (istiod !== undefined && 'because' in istiod) return { support: 'ignored', ...istiod };
  return { support: 'supported', grammar: kind === 'annotation' ? grammar : undefined, note, ...istiod };
}

/** The note of what only Istio’s agent reads. */
export const byAgent = 'read by Istio’s agent';

const nothing: readonly Finding[] = [];

/**
 * A row whose value changes the effective settings. `set` may report findings that the grammar cannot detect. In istiod
 * mode, Istio's names have the same grammar and our own are ignored, unless the row says otherwise.
 */
export function supported<T>(
  row: Named & {
    readonly grammar: Grammar<T>;
    readonly defaultText: string;
    readonly doc: string;
    readonly set: (draft: PodSettings, value: T) => readonly Finding[] | void;
  },
): AnnotationRow {
  const { name, kind = 'annotation', grammar, defaultText, doc, deprecated, set } = row;
  return {
    name,
    kind,
    support: 'supported',
    allowed: grammar.allowed,
    defaultText,
    doc,
    deprecated,
    apply(text, draft) {
      const parsed = grammar.parse(text);
      return 'problem' in parsed ? [parsed] : (set(draft, parsed.value) ?? nothing);
    },
    istiod: istiodUse(row, grammar),
  };
}

/**
 * A row whose value other code reads and checks: the injection policy, the choice of a profile, the status record or the
 * API server. In istiod mode, Istio's names are read there too and our own are ignored, unless the row says otherwise.
 */
export function readElsewhere(
  row: Named & { readonly allowed: string; readonly defaultText: string; readonly doc: string },
): AnnotationRow {
  const { name, kind = 'annotation', allowed, defaultText, doc, deprecated } = row;
  const istiod = istiodUse(row);
  return { name, kind, support: 'supported', allowed, defaultText, doc, deprecated, apply: undefined, istiod };
}

/**
 * A row of Istio's that does nothing without Istio's agent or control plane; `because` completes "has no effect: …". In
 * istiod mode the agent reads it, with the same grammar, unless the row says otherwise.
 */
export function ignored<T>(row: Named & { readonly grammar: Grammar<T>; readonly because: string }): AnnotationRow {
  const { name, kind = 'annotation', grammar, because } = row;
  return {
    name,
    kind,
    support: 'ignored',
    allowed: grammar.allowed,
    defaultText: 'none',
    doc: because,
    apply(text) {
      const parsed = grammar.parse(text);
      return [
        'problem' in parsed ? parsed : { warning: `${kind} ${JSON.stringify(name)} has no effect here: ${because}` },
      ];
    },
    istiod: istiodUse(row, grammar, byAgent),
  };
}

/**
 * A row that denies the pod, because ignoring the value would leave users with something other than they asked for.
 * Values that match `harmless` ask for what happens anyway and are accepted.
 */
export function denied(
  row: Named & {
    readonly harmless?: Grammar<unknown>;
    readonly because: string;
    readonly instead: string;
    readonly istiod: IstiodColumn;
  },
): AnnotationRow {
  const { name, kind = 'annotation', harmless, because, instead } = row;
  return {
    name,
    kind,
    support: 'denied',
    allowed: harmless?.allowed ?? 'nothing',
    defaultText: 'none',
    doc: `${because}; ${instead}`,
    apply(text) {
      if (harmless !== undefined && !('problem' in harmless.parse(text))) return nothing;
      return [{ problem: `is not supported: ${because}; ${instead}` }];
    },
    istiod: istiodUse(row),
  };
}

/** A row for another program, left unchanged and without a warning; in istiod mode too, unless the row says otherwise. */
export function leftToOthers(row: Named & { readonly whose: string }): AnnotationRow {
  const { name, kind = 'annotation', whose, istiod } = row;
  return {
    ...readElsewhere({ name, kind, allowed: 'anything', defaultText: 'none', doc: `It ${whose}; without a warning.` }),
    support: 'ignored',
    istiod: istiod === undefined ? undefined : istiodUse(row),
  };
}
