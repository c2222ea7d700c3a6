/** The passing of time. */
export interface Timers {
  /** Milliseconds since some moment, which no change of the clock makes jump. */
  readonly nowMs: () => number;
  /** Calls the function after a time, and returns a function that prevents it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
}

/** Time as this process sees it. What waits does not keep the process alive. */
export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
