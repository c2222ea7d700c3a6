/** What one part of the bench found out: a piece of the page, and the same tables for a terminal. */
export interface Section {
  readonly markdown: string;
  readonly summary: string;
}

/** Heading of the part about overload. */
export const overloadTitle = '## Overload';

/** Heading of the command line's part. */
export const commandLineTitle = '## Command line';

/** Heading of the data plane's part. */
export const dataplaneTitle = '## Data plane';

/** Heading of the part about the mesh's control plane. */
export const meshTitle = '## Mesh';

/** Heading of the auditor's part. */
export const auditorTitle = '## Auditor';

/** Heading of the part that the scenarios of a whole node write. */
export const nodeTitle = '## On a node';

/** In the order of the page. */
const starts = {
  webhook: '',
  overload: `\n${overloadTitle}\n`,
  'command-line': `\n${commandLineTitle}\n`,
  dataplane: `\n${dataplaneTitle}\n`,
  mesh: `\n${meshTitle}\n`,
  auditor: `\n${auditorTitle}\n`,
  node: `\n${nodeTitle}\n`,
} as const;

export type PartName = keyof typeof starts;

const partNames = Object.keys(starts) as PartName[];

function partsOf(page: string): Record<PartName, string> {
  const parts = { webhook: '', overload: '', 'command-line': '', dataplane: '', mesh: '', auditor: '', node: '' };
  const bounds = partNames
    .map((name) => ({ name, at: page.indexOf(starts[name]) }))
    .filter(({ at }) => at >= 0)
    .toSorted((left, right) => left.at - right.at);
  for (const [index, { name, at }] of bounds.entries()) parts[name] = page.slice(at, bounds[index + 1]?.at);
  return parts;
}

/** The page with the parts that were measured; what was not measured stays as it is. */
export function replaceParts(page: string, measured: Partial<Readonly<Record<PartName, string>>>): string {
  const parts = { ...partsOf(page), ...measured };
  return `${partNames
    .map((name) => parts[name].trim())
    .filter((text) => text !== '')
    .join('\n\n')}\n`;
}
