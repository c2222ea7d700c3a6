/** What a command may touch of its process, so that it runs in a test without one. */
export interface Io {
  /** Writes to standard output; the reader may have gone away, that is no error. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** Everything on standard input. */
  stdin(): Promise<Uint8Array>;
  /** Rejects with Node's own error. */
  readFile(path: string): Promise<Uint8Array>;
  /** Exit code of the program; the action of every command calls it once, at its end. */
  finish(code: number): void;
}

/** Exit codes of all commands. `different`: a diff was asked for and there is one. */
export const exitCodes = { fine: 0, failed: 1, usage: 2, different: 3 } as const;

/** Why a command cannot do its work. */
export interface Failure {
  /** One line each: what is wrong, and where. */
  readonly problems: readonly string[];
  /** One line: what to do about it. */
  readonly remedy: string;
  readonly code: typeof exitCodes.failed | typeof exitCodes.usage;
}

/** Says the failure on standard error and returns its exit code. */
export function report(failure: Failure, io: Io): number {
  for (const problem of failure.problems) io.stderr(`error: ${problem.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  io.stderr(`hint: ${failure.remedy}\n`);
  return failure.code;
}

/** A failure of the way in which the command was called. */
export function usageFailure(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.usage };
}
