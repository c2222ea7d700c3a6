export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** Node fires timers with a longer delay immediately. */
export const longestTimerMs = 2 ** 31 - 1;
