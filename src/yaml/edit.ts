import type { Json } from '../json/json.ts';

/** Replacement of `text.slice(from, to)`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** Of two insertions at the same place, the deeper one comes first. */
  readonly depth: number;
  /** Whether the edit prints a whole node, which replaces all edits inside it. */
  readonly whole: boolean;
  /** The inserted value, if it is plain data. */
  readonly value?: Json;
  /** Prints the same lines with another value. */
  readonly lines?: (value: Json) => string;
}
