/**
 * What becomes of the object: it is refused as a whole, what the field says has no effect, or it has an effect that its author
 * may not expect.
 */
export type Effect = 'refused' | 'without-effect' | 'warning';

/** Something that the author of an object should know. */
export interface Finding {
  /** JSON Pointer (RFC 6901) to the field, for example `/spec/http/0/timeout`; empty for the whole object. */
  readonly field: string;
  readonly effect: Effect;
  /** A word for tools, for example `UnknownField`; sentences may change. */
  readonly code: string;
  /** What is wrong, with the offending value, what is allowed, and what to do. */
  readonly sentence: string;
}

/** Returns the finding on one line, for people. */
export function describeFinding({ field, sentence }: Finding): string {
  return field === '' ? sentence : `${field}: ${sentence}`;
}

/** Returns findings in their order, each once: several Services, or several views of their clients, may bring the same. */
export function uniqueFindings(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((one) => [`${one.field} ${one.sentence}`, one])).values()];
}
