import type { Session } from 'node:inspector';

/** What a profile tells: where processor time goes, or which functions made the objects that are alive. */
export type ProfileKind = 'cpu' | 'heap';

/** A profile, or why there is none: another one is being taken, nobody waits for it any more, or it is too long. */
export type Profile = { readonly text: string } | { readonly missing: 'busy' | 'ended' | 'too-long' };

/** Takes profiles of this process, one at a time. */
export interface Profiler {
  /**
   * Takes one, in the format of Chrome's developer tools (`.cpuprofile`, `.heapprofile`), which is JSON.
   *
   * @param ended ends it early
   */
  take(kind: ProfileKind, milliseconds: number, ended: AbortSignal): Promise<Profile>;
}

/** Methods of the inspector's protocol. Neither kind reads a value of the program: profiles have names of functions and files. */
const methods = {
  cpu: { domain: 'Profiler', start: 'Profiler.start', stop: 'Profiler.stop' },
  heap: { domain: 'HeapProfiler', start: 'HeapProfiler.startSampling', stop: 'HeapProfiler.stopSampling' },
} as const;

/** What a method answers; only those that stop have a profile. */
interface Answer {
  readonly profile?: object;
}

function post(session: Session, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    session.post(method, (error, result) => {
      if (error === null) resolve(result ?? {});
      else reject(error);
    });
  });
}

function pass(milliseconds: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      ended.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds).unref();
    ended.addEventListener('abort', finish);
    if (ended.aborted) finish();
  });
}

async function record(kind: ProfileKind, milliseconds: number, ended: AbortSignal): Promise<object | undefined> {
  const { Session } = await import('node:inspector');
  const { domain, start, stop } = methods[kind];
  const session = new Session();
  session.connect();
  try {
    await post(session, `${domain}.enable`);
    await post(session, start);
    await pass(milliseconds, ended);
    return (await post(session, stop)).profile;
  } finally {
    session.disconnect();
  }
}

/**
 * Creates one. The inspector is loaded with the first profile, and listens on no port.
 *
 * @param longest length of the longest profile, in characters
 */
export function createProfiler(longest: number): Profiler {
  let isBusy = false;
  return {
    async take(kind, milliseconds, ended) {
      if (isBusy) return { missing: 'busy' };
      isBusy = true;
      try {
        const profile = await record(kind, milliseconds, ended);
        if (ended.aborted) return { missing: 'ended' };
        const text = JSON.stringify(profile);
        return text.length > longest ? { missing: 'too-long' } : { text };
      } finally {
        isBusy = false;
      }
    },
  };
}
