import type { PodSettings } from '../../../../src/settings/effective.ts';

/** A row that changes the effective settings: a good value with what it changes, a bad one with its sentence. */
interface EffectiveExample {
  readonly good: string;
  readonly effect: (effective: PodSettings) => unknown;
  readonly value: unknown;
  /** The warning of a deprecated row. */
  readonly deprecation?: string;
  readonly bad: string;
  readonly message: string;
}

/** A row without effect: a good value with its warning, a bad one with its sentence. */
interface IdleExample {
  readonly good: string;
  readonly warning: string;
  /** Some other mode supports it. */
  readonly support?: 'supported';
  readonly bad: string;
  readonly message: string;
}

/** A refused row: a value that asks for what happens anyway, where there is one, and one that is denied. */
interface RefusedExample {
  readonly harmless: string | undefined;
  readonly bad: string;
  readonly message: string;
}

/** A row that another part reads: what comes of a good value, and of a bad one. */
interface ElsewhereExample {
  readonly elsewhere: readonly [good: () => unknown, itsValue: unknown, bad: () => unknown, itsOtherValue: unknown];
}

export type Example = EffectiveExample | IdleExample | RefusedExample | ElsewhereExample;

/** By name; a label's name is preceded by its kind. */
export type Examples = Readonly<Record<string, Example>>;
