/**
 * Number of insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
 */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1];
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[right.length] ?? 0;
}

/**
 * The most similar known name; undefined if none is similar enough (edits of at most a third of the unknown's length).
 */
export function suggest(unknown: string, known: Iterable<string>): string | undefined {
  // The text comes from a user and the cost is quadratic, so long texts get no suggestion.
  if (unknown.length > 128) return undefined;
  let best: string | undefined;
  let bestDistance = Math.floor(unknown.length / 3) + 1;
  for (const name of known) {
    if (Math.abs(name.length - unknown.length) >= bestDistance) continue;
    const distance = editDistance(unknown.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** The text `, did you mean "x"?`, or an empty text if no name is similar. */
export function didYouMean(unknown: string, known: Iterable<string>): string {
  const name = suggest(unknown, known);
  return name === undefined ? '' : `, did you mean "${name}"?`;
}
