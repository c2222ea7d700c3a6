/** Runs at most some at once, and returns the results in the order of what was given. */
export async function inParallel<T, R>(all: readonly T[], most: number, run: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < all.length) {
      const at = next;
      next += 1;
      results[at] = await run(all[at] as T);
    }
  };
  await Promise.all(Array.from({ length: most }, work));
  return results;
}
