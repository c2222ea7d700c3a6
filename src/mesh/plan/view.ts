/** What decides on which objects count for a client: its namespace and its pod's labels. */
export interface View {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A client of which nothing is known: what counts for it counts for all of whom nothing else is said. */
export const anyClient: View = { namespace: '', labels: {} };
