import { quote } from '../grammar/problem.ts';
import { createProfiler, type Profile, type ProfileKind, type Profiler } from '../telemetry/profiler.ts';
import { plainText, type PlainPage, type PlainPages } from './plain-server.ts';

/** Seconds of a profile. */
const usual = 10;
const most = 60;

/** Length of the longest profile in characters; one of a minute under load has some 2 million. */
const longestProfile = 16 * 1024 * 1024;

const refusals: Readonly<Record<Extract<Profile, { missing: string }>['missing'], readonly [number, string]>> = {
  busy: [409, 'A profile is being taken; ask again when it has ended.'],
  ended: [499, 'Nobody waits for the profile any more.'],
  'too-long': [500, `The profile has more than ${longestProfile / 1024 / 1024} MiB; ask for fewer seconds.`],
};

/** Returns the seconds that the query asks for, or what is wrong with it. */
function secondsOf(query: URLSearchParams): number | string {
  const unknown = [...query.keys()].find((name) => name !== 'seconds');
  if (unknown !== undefined) return `${quote(unknown)} is not known here; allowed: seconds.`;
  const texts = query.getAll('seconds');
  if (texts.length > 1) return 'seconds is given more than once; give it once.';
  const [text = String(usual)] = texts;
  const seconds = /^[1-9]\d?$/.test(text) ? Number(text) : Infinity;
  return seconds <= most ? seconds : `seconds: ${quote(text)} is not a whole number from 1 to ${most}.`;
}

/** The pages that take a profile of this process and return it, by path. One is taken at a time. */
export function profilePages(profiler: Profiler = createProfiler(longestProfile)): PlainPages {
  const page = (kind: ProfileKind) => {
    return async (query: URLSearchParams, closed: AbortSignal): Promise<PlainPage> => {
      const seconds = secondsOf(query);
      if (typeof seconds === 'string') return plainText(400, seconds);
      const profile = await profiler.take(kind, seconds * 1_000, closed);
      if ('text' in profile) return { status: 200, contentType: 'application/json', text: profile.text };
      const [status, sentence] = refusals[profile.missing];
      return plainText(status, sentence);
    };
  };
  return new Map([
    ['/debug/profile/cpu', page('cpu')],
    ['/debug/profile/heap', page('heap')],
  ]);
}
