import type { openCache } from './cache.ts';
import { run } from './command.ts';
import { isInstalled } from './packages.ts';
import { say, seconds, type Tool } from './tool.ts';

/** One program that Go builds into a folder. */
interface GoBuild {
  readonly name: string;
  readonly cache: ReturnType<typeof openCache>;
  /** Variable by which tests and scripts find it. */
  readonly variable: string;
  /** What is missing on a machine without Go. */
  readonly needs: string;
  /** Returns the command that builds it into a folder, and how to call it when it fails. */
  readonly build: (folder: string) => {
    readonly command: readonly [string, ...string[]];
    readonly options: Parameters<typeof run>[1];
    readonly what: string;
  };
}

/** Finds the program in the cache, or else builds it with Go, which may take a minute. */
export async function prepareGoBuild({ name, cache, variable, needs, build }: GoBuild): Promise<Tool> {
  const ready: Tool = { state: 'ready', env: { [variable]: cache.path(name) } };
  if (cache.has(name)) return ready;
  if (!isInstalled('go')) return { state: 'missing', needs };
  const startMs = Date.now();
  try {
    await cache.add([name], async (folder) => {
      const { command, options, what } = build(folder);
      if ((await run(command, options)) !== 0) throw new Error(`${what} failed`);
    });
  } catch (error) {
    return { state: 'broken', problem: error instanceof Error ? error.message : String(error) };
  }
  say(`${name} ready after ${seconds(startMs)}`);
  return ready;
}
