import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The clock of one program, which can be moved while it runs. Its timers go on, as when somebody sets a machine's clock. */
export interface MovedClock {
  /** What the program needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Moves it away from the time of this machine, by days. */
  move(days: number): Promise<void>;
}

/** Makes one that is right, with libfaketime (Debian's package faketime). The file says how far it is moved. */
export async function makeMovedClock(file: string): Promise<MovedClock> {
  const move = (days: number): Promise<void> => writeFile(file, `${days < 0 ? '' : '+'}${days}d\n`);
  await move(0);
  // The command sets what loads its library, wherever that is.
  const { stdout } = await promisify(execFile)('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD']);
  return {
    env: {
      LD_PRELOAD: stdout.trim(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    move,
  };
}
