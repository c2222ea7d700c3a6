/** A line, and whether it is told without `--verbose`. */
interface Line {
  readonly text: string;
  readonly always: boolean;
}

/** What a command tells about its input on standard error, collected while it works. */
export interface Telling {
  /** Something that the user should know whatever was asked for. It is told once, however often it is said. */
  warn(text: string): void;
  /** A remark that is told always, without being a warning. */
  note(text: string): void;
  /** Something about one object, told only with `--verbose`. */
  detail(text: string): void;
  /** Counts one pod or object for the summary, under a word such as `injected`, with the reason if there is one. */
  count(word: string, because?: string): void;
  /** Says and counts all that the other one has. */
  add(other: Telling): void;
  /** What has been said and counted. */
  readonly said: ReadonlyMap<string, Line>;
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** The lines, in the order in which they were said, and a summary as the last one. */
  lines(verbose: boolean): readonly string[];
}

function summaryPart(word: string, reasons: ReadonlyMap<string, number>): string {
  const named = [...reasons].filter(([reason]) => reason !== '');
  const total = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const list = named.map(([reason, count]) => (count === total ? reason : `${count} ${reason}`)).join(', ');
  return `${total} ${word}${list === '' ? '' : ` (${list})`}`;
}

/**
 * Starts with nothing said.
 *
 * @param words of the summary, in order; the first one is told even if nothing was counted under it
 */
export function createTelling(words: readonly string[]): Telling {
  const said = new Map<string, Line>();
  const counts = new Map<string, Map<string, number>>(words.map((word) => [word, new Map<string, number>()]));
  const say = (text: string, always: boolean): void => {
    if (!said.has(text)) said.set(text, { text, always });
  };
  const count = (word: string, because: string, more: number): void => {
    const reasons = counts.get(word) ?? new Map<string, number>();
    counts.set(word, reasons.set(because, (reasons.get(because) ?? 0) + more));
  };
  return {
    said,
    counts,
    add: (other) => {
      for (const { text, always } of other.said.values()) say(text, always);
      for (const [word, reasons] of other.counts) {
        for (const [because, number] of reasons) count(word, because, number);
      }
    },
    warn: (text) => say(`warning: ${text}`, true),
    note: (text) => say(`note: ${text}`, true),
    detail: (text) => say(text, false),
    count: (word, because = '') => count(word, because, 1),
    lines: (verbose) => {
      const lines = [...said.values()];
      const shown = lines.filter(({ always }) => verbose || always);
      const [first, ...others] = [...counts];
      const parts = [...(first === undefined ? [] : [first]), ...others.filter(([, reasons]) => reasons.size > 0)];
      const more = shown.length < lines.length ? '; --verbose tells about each' : '';
      return [...shown.map(({ text }) => text), `${parts.map((part) => summaryPart(...part)).join(', ')}${more}`];
    },
  };
}
