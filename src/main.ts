import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { runProgram } from './cli/program.ts';

// A reader that has seen enough (`| head`) closes the pipe: the remaining output is discarded without an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = 1;
  });
}

await runProgram(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  stdin: () => buffer(process.stdin),
  readFile: (path) => readFile(path),
  finish: (code) => {
    process.exitCode = code;
  },
});
