import { visible, visibleLines } from '../grammar/visible.ts';

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

/** A text of a program or of several lines as one line, for a message. */
function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return visible(lines.filter((line) => line !== '').join(' '));
}

/**
 * Writes lines for people to standard output. Texts of a user may be in them: what is not seen is escaped. Manifests,
 * which stay as they are, are written with `io.stdout`.
 */
export function print(lines: readonly string[], io: Io): void {
  io.stdout(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** Blocks of lines with an empty line between them. */
export function separated(blocks: readonly (readonly string[])[]): string[] {
  return blocks.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

/** Writes JSON to standard output; characters that are not seen are escaped in its texts. */
export function printJson(value: unknown, io: Io): void {
  io.stdout(`${visibleLines(JSON.stringify(value, null, 2))}\n`);
}

/** Writes remarks to standard error, each on one line. */
export function remark(notes: readonly string[], io: Io): void {
  for (const note of notes) io.stderr(`${oneLine(note)}\n`);
}

/** Writes warnings to standard error. */
export function warn(warnings: readonly string[], io: Io): void {
  remark(
    warnings.map((warning) => `warning: ${warning}`),
    io,
  );
}

/** Writes the failure to standard error and returns its exit code. */
export function report(failure: Failure, io: Io): number {
  remark([...failure.problems.map((problem) => `error: ${problem}`), `hint: ${failure.remedy}`], io);
  return failure.code;
}

/** Creates the failure for a command that was called in a wrong way. */
export function usageFailure(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.usage };
}
