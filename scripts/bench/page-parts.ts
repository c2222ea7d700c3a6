/** What one part of the bench found out: a piece of the page, and the same tables for a terminal. */
export interface Section {
  readonly markdown: string;
  readonly summary: string;
}

/** In the order of the page. */
export const partNames = ['webhook', 'dataplane'] as const;

export type PartName = (typeof partNames)[number];

/** Heading of the second part, by which the two are told apart. */
export const dataplaneTitle = '## Data plane';

/** The page with the parts that were measured; what was not measured stays as it is. */
export function replaceParts(page: string, measured: Partial<Readonly<Record<PartName, Section>>>): string {
  const at = page.indexOf(`\n${dataplaneTitle}\n`);
  const present = { webhook: at < 0 ? page : page.slice(0, at), dataplane: at < 0 ? '' : page.slice(at) };
  return `${partNames
    .map((name) => (measured[name]?.markdown ?? present[name]).trim())
    .filter((text) => text !== '')
    .join('\n\n')}\n`;
}
