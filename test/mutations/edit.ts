/** One protection taken out by hand: a test must notice. */
export interface Edit {
  /** What the text protects, as a sentence that goes on "without it …" would begin. */
  readonly protects: string;
  /** From the checkout's root. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly text: string;
  readonly replacement: string;
  /** Test files of one tier, the smallest that can hold it; at least one of their tests has to fail. */
  readonly tests: readonly string[];
  /** Runs only the tests whose names match, where the others take long. */
  readonly only?: string;
}
