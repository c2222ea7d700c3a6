import { readFile } from 'node:fs/promises';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/io.ts';

/** What a command wrote and how it ended. */
export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | undefined;
}

/** Runs the command line inside the test. */
export async function runCommand(args: readonly string[], stdin = ''): Promise<Run> {
  let stdout = '';
  let stderr = '';
  let code: number | undefined;
  const io: Io = {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    stdin: () => Promise.resolve(Buffer.from(stdin)),
    readFile: (path) => readFile(path),
    finish: (exitCode) => {
      code = exitCode;
    },
  };
  await runProgram(args, io);
  return { stdout, stderr, code };
}
