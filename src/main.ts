import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { runProgram } from './cli/program.ts';

let isOutputLost = false;

// A reader that has seen enough (`| head`) closes the pipe: the remaining output is discarded without an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isOutputLost) return;
    isOutputLost = true;
    process.exitCode = 1;
    const where = stream === process.stdout ? 'standard output' : 'standard error';
    process.stderr.write(`error: ${where} cannot be written: ${error.code ?? error.message}\n`);
  });
}

await runProgram(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  stdin: () => buffer(process.stdin),
  readFile: (path) => readFile(path),
  finish: (code) => {
    process.exitCode = isOutputLost && code === 0 ? 1 : code;
  },
});
