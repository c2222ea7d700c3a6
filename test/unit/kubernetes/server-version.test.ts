import { describe, expect, test } from '@jest/globals';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import {
  parseServerVersion,
  readServerVersion,
  hasStableSidecars,
  supportsNativeSidecars,
  supportsSleepHook,
} from '../../../src/kubernetes/server-version.ts';
import type { JsonObject } from '../../../src/json/json.ts';

describe('the version of the API server', () => {
  test.each<[JsonObject, number | undefined, number | undefined, boolean, boolean]>([
    [{ major: '1', minor: '28' }, 1, 28, false, false],
    [{ major: '1', minor: '29' }, 1, 29, true, false],
    [{ major: '1', minor: '30' }, 1, 30, true, true],
    [{ major: '1', minor: '28+' }, 1, 28, false, false],
    [{ major: '1', minor: '34.1' }, 1, 34, true, true],
    [{ major: '2', minor: '0' }, 2, 0, true, true],
    [{ major: '0', minor: '99' }, 0, 99, false, false],
    [{}, undefined, undefined, true, true],
    [{ major: '', minor: '' }, undefined, undefined, true, true],
    [{ major: 1, minor: 20 }, undefined, undefined, true, true],
    [{ major: '1', minor: 'x' }, 1, undefined, true, true],
  ])('%j', (body, major, minor, sidecars, sleep) => {
    const version = parseServerVersion(body);
    expect(version).toEqual({ major, minor });
    expect([supportsNativeSidecars(version), supportsSleepHook(version)]).toEqual([sidecars, sleep]);
  });

  test.each([
    ['32', false],
    ['33', true],
    ['34+', true],
  ])('1.%s has stable sidecars: %s', (minor, stable) => {
    expect(hasStableSidecars(parseServerVersion({ major: '1', minor }))).toBe(stable);
  });

  test('that nobody knows counts as capable', () => {
    expect(hasStableSidecars(undefined)).toBe(true);
    expect([supportsNativeSidecars(undefined), supportsSleepHook(undefined)]).toEqual([true, true]);
  });

  test('is read from /version', async () => {
    const client: Pick<ApiClient, 'get'> = {
      get: async (path) => ({ body: path === '/version' ? { major: '1', minor: '34' } : {} }),
    };
    expect(await readServerVersion(client)).toEqual({ major: 1, minor: 34 });
  });
});
