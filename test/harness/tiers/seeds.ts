/**
 * What the random inputs of a run follow from that decides about a change: always the same inputs, so that only the change
 * can make it fail. Whoever looks for new faults runs a tier by its name, or sets the variables.
 */
const fixed = { FAST_CHECK_SEED: '20261130', FUZZ_SEED: '20261130' };

/** The variables that fix the seeds, without those that are set already. */
export function fixedSeeds(set: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fixed).filter(([name]) => set[name] === undefined));
}
