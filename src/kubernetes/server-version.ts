import { type JsonObject, stringMember } from '../json/json.ts';
import type { ApiClient } from './client.ts';

/** Version of the API server; `undefined` if the server reported something that is not a number. */
export interface ServerVersion {
  readonly major: number | undefined;
  readonly minor: number | undefined;
}

/** Reads the version. Any authenticated client may do this. Rejects with an `ApiError`. */
export async function readServerVersion(client: Pick<ApiClient, 'get'>): Promise<ServerVersion> {
  const { body } = await client.get('/version');
  return parseServerVersion(body);
}

/** Parses the response of `/version`. Some providers report a minor version such as `30+`. */
export function parseServerVersion(body: JsonObject): ServerVersion {
  return { major: leadingNumber(stringMember(body, 'major')), minor: leadingNumber(stringMember(body, 'minor')) };
}

/**
 * Whether init containers may have `restartPolicy: Always` (feature SidecarContainers, enabled by default since 1.29).
 * True for an unknown version, because every supported version has the feature.
 */
export function supportsNativeSidecars(version: ServerVersion | undefined): boolean {
  return isAtLeast(version, 29);
}

/**
 * Whether native sidecars are stable (since 1.33), which makes Istio use them by default. True for an unknown version.
 */
export function hasStableSidecars(version: ServerVersion | undefined): boolean {
  return isAtLeast(version, 33);
}

/**
 * Whether a preStop hook may use `sleep` (feature PodLifecycleSleepAction, enabled by default since 1.30). True for an
 * unknown version.
 */
export function supportsSleepHook(version: ServerVersion | undefined): boolean {
  return isAtLeast(version, 30);
}

/** Returns what an injection depends on of a cluster of this version. */
export function featuresOf(version: ServerVersion): {
  readonly nativeSidecars: boolean;
  readonly stableSidecars: boolean;
  readonly sleepHook: boolean;
} {
  return {
    nativeSidecars: supportsNativeSidecars(version),
    stableSidecars: hasStableSidecars(version),
    sleepHook: supportsSleepHook(version),
  };
}

function isAtLeast(version: ServerVersion | undefined, minor: number): boolean {
  if (version?.major === undefined || version.minor === undefined) return true;
  return version.major > 1 || (version.major === 1 && version.minor >= minor);
}

function leadingNumber(text: string | undefined): number | undefined {
  const digits = /^v?(\d{1,4})/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}
