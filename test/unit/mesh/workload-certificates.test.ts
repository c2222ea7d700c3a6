import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createEllipticAuthority } from '../../../src/certs/elliptic-certificate.ts';
import { rootAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import { begin, type RootState } from '../../../src/mesh/identity/root-rotation.ts';
import { createWorkloadIdentity } from '../../../src/mesh/identity/workload-identity.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import type { Session } from '../../../src/mesh/serve/session.ts';
import {
  createWorkloadCertificates,
  type WorkloadCertificates,
} from '../../../src/mesh/serve/workload-certificates.ts';
import { emptyWorld } from '../../../src/mesh/world/world.ts';
import { stableState } from '../../support/mesh/identity.ts';
import { createManualTimers, type ManualTimers } from '../../support/mesh/manual-timers.ts';

const minute = 60_000;
const hour = 60 * minute;
const startMs = Date.parse('2026-06-01T12:00:00Z');
const authorityOf = (lifetimeMs = 9_000 * hour) =>
  createEllipticAuthority({ name: 'mesh', now: new Date(startMs), lifetimeMs });
const first = stableState(authorityOf());
const second = rootAuthority(authorityOf());
const both = begin(first, second, { latestMs: startMs });
const { next: _, ...settled } = both;
const signing: RootState = { ...settled, current: second, previous: first.current.roots, phase: 'sign' };

let timers: ManualTimers;
/** By how much this clock, and the API server's, differ from the time that passes. */
let clocks: { own: number; server: number };
let certificates: WorkloadCertificates;
let failures: unknown[];
let spentMs: number;

function identityOf(state: RootState) {
  return createWorkloadIdentity(state, () => {
    const both = [clocks.own, clocks.server].map((ms) => startMs + timers.nowMs() + ms);
    return { earliestMs: Math.min(...both), latestMs: Math.max(...both) };
  });
}

function start(state: RootState): void {
  certificates = createWorkloadCertificates({
    identity: identityOf(state),
    trustDomain: 'cluster.local',
    world: () => emptyWorld,
    nowMs: () => timers.nowMs() + spentMs,
    after: timers.after,
    random: () => 0.5,
    failed: (error) => failures.push(error),
  });
}

beforeEach(() => {
  timers = createManualTimers();
  clocks = { own: 0, server: 0 };
  failures = [];
  spentMs = 0;
});

/** A proxy that takes what it is sent if it is told to. */
function proxy(name = 'web') {
  const caller = { namespace: 'shop', serviceAccount: 'default', podName: name, podUid: name };
  const sent: (readonly Resource[])[] = [];
  const state = { holds: true };
  const session = certificates.keep(caller, (secrets) => {
    sent.push(secrets);
    return {
      caller,
      useSecrets(more) {
        // A certificate takes some time.
        spentMs += 1;
        sent.push(more);
      },
      holdsSecrets: () => state.holds,
      receive: () => undefined,
      isInSync: () => true,
      close: () => undefined,
    } satisfies Session;
  });
  const textOf = (index: number, resource: 0 | 1): string =>
    JSON.stringify(sent.at(index)?.[resource]?.json).replaceAll(String.raw`\n`, '\n');
  return {
    state,
    session,
    sent,
    leaf: (index = -1) =>
      new X509Certificate(/-----BEGIN CERT[^]*?END CERTIFICATE-----/.exec(textOf(index, 0))?.[0] ?? ''),
    roots: (index = -1) => textOf(index, 1).match(/BEGIN CERT/g)?.length,
  };
}

const issuedBy = (leaf: X509Certificate, { current }: RootState): boolean =>
  leaf.verify(new X509Certificate(current.certificate).publicKey);

describe('a certificate', () => {
  test('is renewed at half of its life', () => {
    start(first);
    const { sent, leaf } = proxy();
    expect(leaf().validToDate.getTime() - startMs).toBe(24 * hour);
    timers.pass(11 * hour);
    expect(sent).toHaveLength(1);
    timers.pass(2 * hour);
    expect(sent).toHaveLength(2);
    expect(leaf().serialNumber).not.toBe(leaf(0).serialNumber);
  });

  test('never ends after its authority, and is renewed in time', () => {
    start(stableState(authorityOf(2 * hour)));
    const { sent, leaf } = proxy();
    expect(leaf().validToDate.getTime() - startMs).toBe(2 * hour);
    timers.pass(90 * minute);
    expect(sent.length).toBeGreaterThan(1);
  });

  test('that cannot be renewed stays; that is told once a minute', () => {
    start(stableState(authorityOf(hour)));
    const { sent } = proxy();
    timers.pass(hour);
    const before = sent.length;
    timers.pass(10 * minute);
    expect(sent).toHaveLength(before);
    expect(failures.length).toBeGreaterThan(5);
    expect(failures.length).toBeLessThan(15);
    expect(String(failures[0])).toContain('the CA expired on');
    expect(() => proxy('late')).toThrow('the CA expired on');
  });

  test('of a proxy that has gone is not renewed', () => {
    start(first);
    const { session, sent } = proxy();
    certificates.release(session);
    timers.pass(24 * hour);
    expect(sent).toHaveLength(1);
  });

  test('is not renewed any more when the control plane has stopped', () => {
    start(first);
    const { sent } = proxy();
    certificates.stop();
    timers.pass(24 * hour);
    expect(sent).toHaveLength(1);
  });
});

describe('when the clock is moved', () => {
  test.each<[string, Partial<typeof clocks>]>([
    ['this one, ahead by a year', { own: 9_000 * hour }],
    ['this one, back by twenty hours', { own: -20 * hour }],
    ["the API server's, ahead by a year", { server: 9_000 * hour }],
    ["the API server's, back by twenty hours", { server: -20 * hour }],
  ])('%s, certificates are valid by the other, and renewed before they end by it', (_, moved) => {
    start(first);
    const { leaf } = proxy();
    Object.assign(clocks, moved);
    const late = proxy('late');
    for (let times = 0; times < 30; times += 1) {
      timers.pass(hour);
      const now = startMs + timers.nowMs();
      for (const one of [leaf(), late.leaf()]) {
        expect(one.validFromDate.getTime()).toBeLessThanOrEqual(now);
        expect(one.validToDate.getTime()).toBeGreaterThan(now);
      }
    }
  });

  test('back by a day, all of them, certificates from the future are replaced at once, and no more than once', () => {
    start(first);
    const { sent, leaf } = proxy();
    Object.assign(clocks, { own: -24 * hour, server: -24 * hour });
    timers.pass(2_000);
    expect(sent).toHaveLength(2);
    expect(leaf().validFromDate.getTime()).toBeLessThan(startMs - 24 * hour);
    timers.pass(hour);
    expect(sent).toHaveLength(2);
  });
});

describe('in a rotation', () => {
  test('the next root is given at once with the same certificate, and the next certificate after it', () => {
    start(first);
    const { sent, leaf, roots } = proxy();
    certificates.use(identityOf(both));
    expect([sent.length, roots(), leaf().serialNumber]).toEqual([2, 2, leaf(0).serialNumber]);
    timers.pass(hour);
    expect(sent).toHaveLength(2);
    certificates.use(identityOf(signing));
    expect(leaf().serialNumber).toBe(leaf(0).serialNumber);
    timers.pass(1_000);
    expect([issuedBy(leaf(0), first), issuedBy(leaf(), signing), roots()]).toEqual([true, true, 2]);
  });

  test('a proxy counts when it has accepted what the phase has for it', () => {
    start(first);
    const one = proxy('one');
    proxy('other');
    certificates.use(identityOf(both));
    one.state.holds = false;
    expect(certificates.progress()).toMatchObject({ id: identityOf(both).id, proxies: 2, holding: 1 });
    one.state.holds = true;
    expect(certificates.progress()).toMatchObject({ proxies: 2, holding: 2 });
    certificates.use(identityOf(signing));
    expect(certificates.progress()).toMatchObject({ id: identityOf(signing).id, proxies: 2, holding: 0 });
    timers.pass(1_000);
    expect(certificates.progress()).toMatchObject({ proxies: 2, holding: 2 });
  });

  test('many proxies get their certificates one after the other, so that others have their turn', () => {
    start(first);
    const proxies = Array.from({ length: 120 }, (_, index) => proxy(`web-${index}`));
    certificates.use(identityOf(signing));
    const renewed = () => proxies.filter(({ leaf }) => issuedBy(leaf(), signing)).length;
    timers.pass(1_000);
    expect(renewed()).toBeGreaterThan(10);
    expect(renewed()).toBeLessThan(100);
    timers.pass(10_000);
    expect(renewed()).toBe(120);
  });
});

test('replicas that give out the same have the same identity, and no others', () => {
  start(first);
  const ids = [first, both, signing, { ...signing, previous: [] }].map((state) => identityOf(state).id);
  expect(new Set(ids).size).toBe(4);
  expect(identityOf({ ...both, since: new Date(0), request: 'x' }).id).toBe(ids[1]);
});
