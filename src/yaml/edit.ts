import type { Json } from '../json/json.ts';

/** Replacement of `text.slice(from, to)`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** Of two insertions at one place the deeper one comes first. */
  readonly depth: number;
  /** Prints a whole node, whatever changed inside it. */
  readonly whole: boolean;
  /** The value alone of what is inserted, when it is plain data. */
  readonly value?: Json;
  /** The lines with another value in its place. */
  readonly lines?: (value: Json) => string;
}
