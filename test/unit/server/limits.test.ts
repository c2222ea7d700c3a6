import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { defaultLimits as limits, type Limits } from '../../../src/server/limits.ts';
import { webhookConfiguration } from '../../../src/injection/policy/registration.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { parseQuantity } from '../../../src/grammar/quantity.ts';
import { findObject, readInstallManifest } from '../../support/cluster/install-manifest.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/decisions/overload.md'), 'utf8');

/** What docs/decisions/overload.md says of each bound, in its own words. */
const sentences: { readonly [bound in keyof Limits]: string } = {
  bodyBytes: `| ${limits.bodyBytes / mebibyte} MiB, within `,
  bodyTimeoutMs: `within ${limits.bodyTimeoutMs / 1_000} s plus `,
  bodyTimeoutPerMebibyteMs: `plus ${limits.bodyTimeoutPerMebibyteMs / 1_000} s for each MiB`,
  reservedBytes: `| ${limits.reservedBytes / kibibyte} KiB reserved for each, `,
  bufferedBytes: ` ${limits.bufferedBytes / mebibyte} MiB for all of them beyond that`,
  largeBytes: `| ${limits.largeBodies} larger than ${limits.largeBytes / kibibyte} KiB at a time`,
  largeBodies: `| ${limits.largeBodies} larger than `,
  stallMs: ` in ${limits.stallMs} ms `,
  connections: `| ${limits.connections.toLocaleString('en')}, about 50 KiB each`,
  keepAliveTimeoutMs: `| ${limits.keepAliveTimeoutMs / 1_000} s after a review, `,
  strangerTimeoutMs: `${limits.strangerTimeoutMs / 1_000} s without one`,
  handshakeTimeoutMs: `handshake within ${limits.handshakeTimeoutMs / 1_000} s`,
  headersTimeoutMs: `headers within ${limits.headersTimeoutMs / 1_000} s`,
  requestTimeoutMs: `the whole request within ${limits.requestTimeoutMs / 1_000} s`,
  timeoutCheckMs: `checked every ${limits.timeoutCheckMs === 1_000 ? 'second' : '?'}`,
};

describe('every bound is the one that the page of decisions gives reasons for', () => {
  test.each(Object.entries(sentences))('%s', (_bound, sentence) => {
    expect(page).toContain(sentence);
  });
});

describe('the bounds fit what is around them', () => {
  /** The API server waits so long for an answer, headers and body included. */
  const patienceMs = Math.min(
    ...objectsMember(webhookConfiguration() as JsonObject, 'webhooks').map(
      ({ timeoutSeconds }) => Number(timeoutSeconds) * 1_000,
    ),
  );
  /** The most that an administrator can give it (admissionregistration.k8s.io/v1 `timeoutSeconds`). */
  const longestMs = 30_000;
  const slowestBodyMs = limits.bodyTimeoutMs + (limits.bodyBytes / mebibyte) * limits.bodyTimeoutPerMebibyteMs;

  test('a body has room for two objects as large as the API server takes, and for the rest', () => {
    expect(limits.bodyBytes).toBe(2 * 3 * mebibyte + mebibyte);
  });

  test('whoever takes longer than the API server waits has nobody behind it', () => {
    expect(patienceMs).toBeGreaterThanOrEqual(1_000);
    expect(limits.handshakeTimeoutMs).toBeLessThanOrEqual(patienceMs);
    expect(limits.headersTimeoutMs).toBeLessThanOrEqual(patienceMs);
    expect(limits.bodyTimeoutMs + limits.bodyTimeoutPerMebibyteMs).toBeLessThan(patienceMs);
    expect(slowestBodyMs).toBeLessThan(limits.requestTimeoutMs);
    expect(limits.requestTimeoutMs).toBeLessThan(longestMs);
  });

  test('a client that stands still gives way long before its time is over', () => {
    expect(limits.stallMs).toBeLessThan(limits.bodyTimeoutMs);
  });

  test('idle connections of API servers outlive what those keep, a stranger’s do not', () => {
    expect(limits.keepAliveTimeoutMs).toBeGreaterThan(90_000);
    expect(limits.strangerTimeoutMs).toBeLessThanOrEqual(patienceMs);
    expect(limits.timeoutCheckMs).toBeLessThanOrEqual(limits.strangerTimeoutMs);
  });

  test('everything that clients can hold at once fits into half of the pod’s memory', async () => {
    const deployment = findObject(await readInstallManifest(), 'Deployment', 'sidecar-injector');
    const pod = objectMember(objectMember(objectMember(deployment, 'spec'), 'template'), 'spec');
    const resources = objectMember(objectsMember(pod, 'containers')[0], 'resources');
    const memory = parseQuantity(stringMember(objectMember(resources, 'limits'), 'memory') ?? '') ?? 0;
    const held = limits.bufferedBytes + limits.connections * (50 * kibibyte + limits.reservedBytes);
    expect(held).toBeLessThan(memory / 2);
  });
});
