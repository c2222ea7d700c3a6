/** How often something may be done. */
export interface Pace {
  /** Times in a row, after a time without any. */
  readonly burst: number;
  /** After how long there is room for one more, in milliseconds. */
  readonly everyMs: number;
}

/** What is left of a pace. */
export interface Allowance {
  /** Takes as many as are wanted and there is room for, and returns how many that are. */
  take(wanted: number, nowMs: number): number;
}

/** Creates a full one. */
export function createAllowance({ burst, everyMs }: Pace): Allowance {
  let room = burst;
  let filledMs: number | undefined;
  return {
    take(wanted, nowMs) {
      filledMs ??= nowMs;
      const more = Math.max(0, Math.floor((nowMs - filledMs) / everyMs));
      filledMs += more * everyMs;
      room = Math.min(burst, room + more);
      const taken = Math.min(room, wanted);
      room -= taken;
      return taken;
    },
  };
}
