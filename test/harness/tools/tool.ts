/**
 * What became of a tool: `ready` with the variables that tell the tests where it is and
 * the folders that come first in `PATH`, `missing` when this machine
 * cannot have it (`needs` completes the sentence "needs …"), `broken` when getting it was tried and failed.
 */
export type Tool =
  | { readonly state: 'ready'; readonly env?: Readonly<Record<string, string>>; readonly folders?: readonly string[] }
  | { readonly state: 'missing'; readonly needs: string }
  | { readonly state: 'broken'; readonly problem: string };

/** Writes one line about the preparation of tools. */
export function say(line: string): void {
  process.stdout.write(`tools: ${line}\n`);
}

/** Whole seconds since `startMs`, with the unit. */
export function seconds(startMs: number): string {
  return `${Math.round((Date.now() - startMs) / 1000)} s`;
}

/** The environment that tools give together; throws what is missing or broken. */
export function joinEnvironments(tools: readonly Tool[]): Record<string, string> {
  const env: Record<string, string> = {};
  const folders: string[] = [];
  for (const tool of tools) {
    if (tool.state !== 'ready') throw new Error(tool.state === 'missing' ? `needs ${tool.needs}` : tool.problem);
    Object.assign(env, tool.env);
    folders.push(...(tool.folders ?? []));
  }
  return { ...env, PATH: [...folders, process.env['PATH'] ?? ''].join(':') };
}
