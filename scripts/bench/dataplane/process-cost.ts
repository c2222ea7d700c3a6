import { readdirSync, readFileSync } from 'node:fs';

/** What a process holds in memory, bytes. */
export interface ProcessMemory {
  /** All that it has mapped and touched, the program itself included, which a node holds once for all proxies. */
  readonly resident: number;
  /** What no other process shares with it: what one more proxy takes. */
  readonly private: number;
  /** The most that was ever resident. */
  readonly peak: number;
}

/** Processor time that all threads of a process have used so far, nanoseconds. */
export function processorTime(pid: number): bigint {
  let sum = 0n;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1);
    sum += BigInt(running);
  }
  return sum;
}

export function processMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1_024;
  return { resident: field('VmRSS'), private: field('RssAnon'), peak: field('VmHWM') };
}

/** How often the threads of a process have waited for something to do, so far. */
export function wakeUps(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  }, 0);
}
