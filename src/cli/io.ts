/** The parts of the process that a command may use; tests pass their own. */
export interface Io {
  /** Writes to standard output. It is not an error if the reader has closed the pipe. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** Reads standard input to its end. */
  stdin(): Promise<Uint8Array>;
  /** Rejects with Node's own error. */
  readFile(path: string): Promise<Uint8Array>;
  /** Sets the exit code of the program. The action of every command calls it once, as its last step. */
  finish(code: number): void;
}

/** Exit codes of all commands. `different`: a diff or check was requested, and there are differences. */
export const exitCodes = { fine: 0, failed: 1, usage: 2, different: 3 } as const;

/** Why a command failed, and what to do about it. */
export interface Failure {
  /** What is wrong and where, one line each. */
  readonly problems: readonly string[];
  /** What to do about the problems, in one line. */
  readonly remedy: string;
  readonly code: typeof exitCodes.failed | typeof exitCodes.usage;
}

/** Writes the failure to standard error and returns its exit code. */
export function report(failure: Failure, io: Io): number {
  for (const problem of failure.problems) io.stderr(`error: ${problem.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  io.stderr(`hint: ${failure.remedy}\n`);
  return failure.code;
}

/** Creates the failure for a command that was called in a wrong way. */
export function usageFailure(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.usage };
}
