/** What one side of a connection says: each piece as soon as the other side has said what comes before it. */
export interface PartyStep {
  readonly until?: string;
  /** A character for a byte. */
  readonly send?: string;
  /** How long it does not read after that. */
  readonly deafMs?: number;
}

export interface Party {
  readonly steps: readonly PartyStep[];
  /** What it does with its connection after that; `keep` leaves it to the other side. */
  readonly end: 'keep' | 'close' | 'reset';
}

/** How the other side has left the connection so far. */
export type Ending = 'open' | 'closed' | 'reset';

/** What one side has heard of the other, a character for a byte. */
export interface Exchanged {
  readonly text: string;
  readonly ending: Ending;
}
