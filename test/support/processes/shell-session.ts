import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';

const prompt = 'READY> ';

/** How an interactive shell without anybody's settings is started, and what it needs to complete. */
export const shells = {
  bash: {
    command: 'bash --noprofile --norc -i',
    settings: [`PS1='${prompt}'`, "bind 'set bell-style none'", "bind 'set enable-bracketed-paste off'"],
  },
  zsh: {
    command: 'zsh -f -i',
    settings: [
      `PS1='${prompt}'; PROMPT_EOL_MARK=''; unsetopt zle_bracketed_paste beep; autoload -U compinit; compinit -D -u`,
    ],
  },
} as const;

/** A command as a shell finds it, and the script that completes it. */
export interface CompletedCommand {
  readonly name: string;
  /** Folder that holds the command; the shell finds it on the PATH. */
  readonly folder: string;
  /** File that the shell reads first. */
  readonly script: string;
}

/**
 * Types a line into an interactive shell on a terminal and returns the arguments that the command got. A function of the
 * same name prints them; only questions for completions reach the command itself. Tabs complete.
 */
export function typeLine(shell: keyof typeof shells, command: CompletedCommand, line: string): Promise<string> {
  const { name, folder, script } = command;
  const { command: start, settings } = shells[shell];
  const child = spawn('script', ['-qfec', start, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: `${folder}${delimiter}${process.env['PATH']}`, TERM: 'dumb', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' },
  });
  const steps = [
    `${settings.join('; ')}; ${name}() { case $1 in __complete) command ${name} "$@";; *) printf 'GOT<%s>\\n' "$*";; esac; }; source ${script}; echo DO''NE\n`,
    `${line}\n`,
  ];
  return new Promise((resolve, reject) => {
    let output = '';
    const stop = (finish: () => void): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      finish();
    };
    const timer = setTimeout(() => stop(() => reject(new Error(`no answer from ${shell}:\n${output}`))), 20_000);
    child.on('error', (error) => stop(() => reject(error)));
    child.stdin.write(steps[0] ?? '');
    let typed = false;
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (!typed && output.includes('DONE') && output.slice(output.lastIndexOf('DONE')).includes(prompt)) {
        typed = true;
        child.stdin.write(steps[1] ?? '');
      }
      const got = /GOT<([^>%]*)>/.exec(output);
      if (got?.[1] !== undefined) stop(() => resolve(got[1] ?? ''));
    });
  });
}
