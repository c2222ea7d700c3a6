import { type JsonObject, stringMember } from '../json/json.ts';
import type { ApiClient } from './client.ts';

/** Version of the API server; undefined numbers mean that it told something else than numbers. */
export interface ServerVersion {
  readonly major: number | undefined;
  readonly minor: number | undefined;
}

/** Asks for the version. Needs no permission beyond being authenticated. */
export async function readServerVersion(client: Pick<ApiClient, 'get'>): Promise<ServerVersion> {
  const { body } = await client.get('/version');
  return parseServerVersion(body);
}

/** Reads the answer of `/version`; providers write the minor as `30+` at times. */
export function parseServerVersion(body: JsonObject): ServerVersion {
  return { major: leadingNumber(stringMember(body, 'major')), minor: leadingNumber(stringMember(body, 'minor')) };
}

/**
 * Whether init containers may have `restartPolicy: Always` (feature SidecarContainers, on by default since 1.29). An
 * unknown version counts as capable, because every supported one is.
 */
export function supportsNativeSidecars(version: ServerVersion | undefined): boolean {
  return isAtLeast(version, 29);
}

/** Whether native sidecars are stable (since 1.33), from when on Istio uses them by itself; unknown counts as capable. */
export function hasStableSidecars(version: ServerVersion | undefined): boolean {
  return isAtLeast(version, 33);
}

/**
 * Whether a preStop hook may be `sleep` (feature PodLifecycleSleepAction, on by default since 1.30). An unknown version
 * counts as capable.
 */
export function supportsSleepHook(version: ServerVersion | undefined): boolean {
  return isAtLeast(version, 30);
}

function isAtLeast(version: ServerVersion | undefined, minor: number): boolean {
  if (version?.major === undefined || version.minor === undefined) return true;
  return version.major > 1 || (version.major === 1 && version.minor >= minor);
}

function leadingNumber(text: string | undefined): number | undefined {
  const digits = /^v?(\d{1,4})/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
