import { member, type JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { profileLabel, type Profile } from '../../settings/schema/profile.ts';
import { didYouMean } from '../../grammar/suggestion.ts';

/** Returns a warning if the pod asks for a profile by label and does not get it. */
export function profileWarning(
  labels: JsonObject | undefined,
  chosen: string | undefined,
  profiles: readonly Profile[],
): string | undefined {
  const asked = member(labels, profileLabel);
  if (typeof asked !== 'string' || asked === chosen) return undefined;
  const known = profiles.map(({ name }) => name);
  const got = chosen === undefined ? 'the pod gets none' : `the pod gets ${quote(chosen)}, which comes first`;
  if (known.includes(asked)) return `label ${profileLabel}: profile ${quote(asked)} is not for this pod; ${got}`;
  const choice = didYouMean(asked, known) || `; known: ${known.join(', ') || 'none'}`;
  return `label ${profileLabel}: ${quote(asked)} is not a known profile${choice}; ${got}`;
}
