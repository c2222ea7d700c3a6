import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthority, serviceNames } from '../../../src/certs/authority.ts';
import { fingerprintsOf, joinBundle, parseBundle, sameCertificates } from '../../../src/certs/bundle.ts';
import { applyStep, parseCaSecret, renderCaSecret } from '../../../src/certs/ca-secret.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/certs/durations.ts';
import { createManagedSource, type ManagedSourceOptions } from '../../../src/certs/managed-source.ts';
import { createSelfCheck } from '../../../src/certs/self-check.ts';
import type { CertificateSource, ServingCertificate } from '../../../src/certs/source.ts';
import { createEventLog, createFakeCluster, type EventLog, type FakeCluster, listenTls } from './fake-cluster.ts';

const names = serviceNames('sidecar-injector', 'sidecar-injector-system');
const hostname = 'sidecar-injector.sidecar-injector-system.svc';
const entry = 'pods.sidecar-injector.io';

let cluster: FakeCluster;
let sources: CertificateSource[];
let now: Date;

beforeEach(() => {
  cluster = createFakeCluster();
  sources = [];
  now = new Date();
});

afterEach(async () => {
  await Promise.all(sources.map((source) => source.stop()));
});

interface Replica {
  readonly source: CertificateSource;
  readonly log: EventLog;
  /** What it presents now. */
  serving(): ServingCertificate;
}

/** A replica whose self-check verifies what it presents with the given bundle, as an API server would. */
function open(more: Partial<ManagedSourceOptions> = {}): Replica & { start(): Promise<ServingCertificate> } {
  const log = createEventLog();
  let serving: ServingCertificate | undefined;
  const current = (): ServingCertificate => {
    if (serving === undefined) throw new Error('nothing is served yet');
    return serving;
  };
  const source = createManagedSource({
    store: cluster.store,
    publisher: cluster.publisher,
    names,
    verifyServing: async (bundle) => verify(current(), bundle),
    onEvent: log.onEvent,
    pollMs: 10,
    retryMs: 2,
    clock: () => now,
    ...more,
  });
  source.onChange((next) => {
    serving = next;
  });
  sources.push(source);
  return {
    source,
    log,
    serving: current,
    async start() {
      serving = await source.start();
      return serving;
    },
  };
}

async function openReady(more: Partial<ManagedSourceOptions> = {}): Promise<Replica> {
  const replica = open(more);
  const passed = replica.log.next('self-check-passed');
  await replica.start();
  await passed;
  return replica;
}

function verify(serving: ServingCertificate, bundle: string | undefined): void {
  const leaf = new X509Certificate(serving.certificate);
  const signers = parseBundle(bundle ?? '').certificates ?? [];
  if (!signers.some((signer) => leaf.verify(signer.publicKey))) throw new Error('unknown authority');
}

function liveBundle(): string | undefined {
  return cluster.bundles?.get(entry);
}

function storedCa(): string {
  return cluster.secret?.data.get('ca.crt') ?? '';
}

describe('a first start', () => {
  test('fills the Secret, publishes the bundle and is ready after a real handshake with itself', async () => {
    let port = 0;
    const log = createEventLog();
    const source = createManagedSource({
      store: cluster.store,
      publisher: cluster.publisher,
      names,
      verifyServing: (bundle) => createSelfCheck({ host: '127.0.0.1', port, servername: hostname })(bundle),
      onEvent: log.onEvent,
      pollMs: 10,
      retryMs: 2,
    });
    sources.push(source);
    expect(source.health()).toEqual({ ready: false, reason: 'there is no certificate yet' });
    const serving = await source.start();
    expect(source.health().ready).toBe(false);
    const failed = log.next('self-check-failed', 0);
    const listener = await listenTls(serving);
    try {
      await failed;
      expect(source.health()).toEqual({ ready: false, reason: expect.stringContaining('TLS handshake with') });
      const passed = log.next('self-check-passed');
      port = listener.port;
      await passed;
      expect(source.health()).toEqual({ ready: true, reason: expect.stringContaining('the live bundle verifies') });
    } finally {
      await source.stop();
      await listener.close();
    }
    expect(liveBundle()).toBe(storedCa());
    expect(log.codes()).toEqual([
      'ca-generated',
      'bundle-patched',
      'leaf-issued',
      'self-check-failed',
      'self-check-passed',
    ]);
    expect(JSON.stringify(log.events)).not.toContain('PRIVATE');
  });

  test('of two replicas at once ends with one CA, trusted for both', async () => {
    const [one, two] = await Promise.all([openReady(), openReady()]);
    expect(cluster.fills.filter((outcome) => outcome === 'written')).toHaveLength(1);
    expect(fingerprintsOf(liveBundle())).toEqual(fingerprintsOf(storedCa()));
    for (const replica of [one, two]) verify(replica.serving(), liveBundle());
    expect(one.serving().privateKey).not.toBe(two.serving().privateKey);
    const generated = [one, two].filter(({ log }) => log.codes().includes('ca-generated'));
    expect(generated).toHaveLength(1);
  });

  test('of two replicas at once needs no second round for the one that loses', async () => {
    const never = { pollMs: 3_600_000, retryMs: 3_600_000 };
    const replicas = [open(never), open(never)];
    const [one, two] = await Promise.all(replicas.map((replica) => replica.start()));
    expect(cluster.fills.toSorted()).toEqual(['conflict', 'written']);
    expect(one?.bundle).toBe(two?.bundle);
  });

  test('of many replicas at once ends with one CA', async () => {
    const replicas = await Promise.all(Array.from({ length: 5 }, () => openReady()));
    expect(cluster.fills.filter((outcome) => outcome === 'written')).toHaveLength(1);
    for (const replica of replicas) verify(replica.serving(), storedCa());
  });

  test('of a replica that joins later takes over the CA and writes nothing', async () => {
    await openReady();
    const { fills, published } = cluster;
    const before = [fills.length, published.length];
    const joined = await openReady();
    expect([fills.length, published.length]).toEqual(before);
    expect(joined.log.codes()).toEqual(['ca-adopted', 'leaf-issued', 'self-check-passed']);
  });
});

describe('a start that has to wait', () => {
  test.each<[string, () => void, () => void, RegExp]>([
    [
      'for the API server',
      () => (cluster.isDown = true),
      () => (cluster.isDown = false),
      /^the webhook configuration: connect ECONNREFUSED; the CA Secret: connect ECONNREFUSED$/,
    ],
    [
      'for the Secret',
      () => (cluster.secret = undefined),
      () => (cluster.secret = { data: new Map(), version: 7 }),
      /^the CA Secret does not exist: apply the manifest that holds it$/,
    ],
    [
      'for a Secret that can be used',
      () => (cluster.secret = { data: new Map([['ca.crt', 'garbage']]), version: 7 }),
      () => (cluster.secret = { data: new Map(), version: 8 }),
      /^the CA Secret cannot be used and is left as it is: key 'ca\.crt': no PEM certificate found$/,
    ],
  ])('%s says why and goes on by itself', async (_, trouble, relief, reason) => {
    trouble();
    const replica = open();
    const passed = replica.log.next('self-check-passed');
    const started = replica.start();
    await cluster.rounds(3);
    expect(replica.source.health()).toEqual({ ready: false, reason: expect.stringMatching(reason) });
    expect(cluster.fills).toEqual([]);
    relief();
    await started;
    await passed;
    expect(replica.source.health().ready).toBe(true);
    const told = replica.log.events.map(({ code, detail }) => `${code}: ${detail}`);
    expect(new Set(told).size).toBe(told.length);
  });

  test('ends with a rejection when it is stopped', async () => {
    cluster.isDown = true;
    const replica = open();
    const unreachable = replica.log.next('api-unreachable', 0, 'the CA Secret');
    const started = expect(replica.start()).rejects.toThrow(
      /^stopped before there was a certificate: .*the CA Secret: connect ECONNREFUSED$/,
    );
    await unreachable;
    await replica.source.stop();
    await started;
  });

  test('for the webhook configuration has a leaf but is not ready', async () => {
    cluster.bundles = undefined;
    const replica = open();
    const missing = replica.log.next('webhook-missing');
    await replica.start();
    expect((await missing).detail).toBe('the webhook configuration does not exist; nobody calls us');
    expect(replica.source.health()).toEqual({ ready: false, reason: expect.stringContaining('does not exist') });
    const passed = replica.log.next('self-check-passed');
    cluster.bundles = new Map([[entry, undefined]]);
    await passed;
    expect(liveBundle()).toBe(storedCa());
  });
});

/** Makes the webhook configuration change under every write, until the returned function is called. */
function refusePublishing(): () => void {
  const publisher = { ...cluster.publisher };
  Object.assign(cluster.publisher, { publish: async () => 'conflict' });
  return () => Object.assign(cluster.publisher, publisher);
}

describe('the Secret', () => {
  test('when deleted is missed, and refilled with the same CA when it returns', async () => {
    const replicas = [await openReady(), await openReady()];
    const ca = storedCa();
    const missing = replicas.map(({ log }) => log.next('secret-missing'));
    cluster.secret = undefined;
    for (const event of await Promise.all(missing))
      expect(event.detail).toContain('serving goes on with the CA in memory');
    for (const { source } of replicas) {
      expect(source.health()).toEqual({ ready: true, reason: expect.stringContaining('does not exist') });
    }
    const refilled = Promise.race(replicas.map(({ log }) => log.next('secret-refilled')));
    cluster.secret = { data: new Map([['note', 'keep me']]), version: 100 };
    await refilled;
    expect(storedCa()).toBe(ca);
    expect(cluster.secret?.data.get('note')).toBe('keep me');
    expect(replicas.flatMap(({ log }) => log.codes()).filter((code) => code === 'leaf-issued')).toHaveLength(2);
  });

  test('when garbled is left alone, and serving goes on', async () => {
    const { log, source } = await openReady();
    const data = new Map([...(cluster.secret?.data ?? []), ['ca.key', 'garbage']]);
    const invalid = log.next('secret-invalid');
    cluster.secret = { data, version: 100 };
    expect((await invalid).detail).toContain("key 'ca.key': is not an unencrypted PEM private key");
    expect(source.health().ready).toBe(true);
    expect(cluster.secret).toEqual({ data, version: 100 });
  });

  test('when its CA is of the future is left alone, and serving goes on', async () => {
    const { log, source } = await openReady();
    const fresh = await createAuthority({ now: new Date(now.getTime() + dayMs), lifetimeMs: 365 * dayMs });
    const data = renderCaSecret(applyStep('generate', undefined, { now, fresh }), new Map());
    const invalid = log.next('secret-invalid');
    cluster.secret = { data, version: 100 };
    expect((await invalid).detail).toMatch(/key 'ca\.crt': is not valid before 20/);
    expect(source.health().ready).toBe(true);
    expect(log.codes()).not.toContain('ca-adopted');
    expect(cluster.secret).toEqual({ data, version: 100 });
  });

  test('when another CA is put there leads to it, and trusts the old one until every replica has left it', async () => {
    const [quick, slow] = [await openReady(), await openReady({ pollMs: 200 })];
    const fresh = await createAuthority({ now, lifetimeMs: 365 * dayMs });
    const data = renderCaSecret(applyStep('generate', undefined, { now, fresh }), new Map());
    const from = slow.log.events.length;
    const left = slow.log.next('leaf-issued', from);
    const old = slow.serving();
    cluster.secret = { data, version: 100 };
    await quick.log.next('leaf-issued', quick.log.events.length);
    await cluster.rounds(3);
    verify(quick.serving(), liveBundle());
    verify(old, liveBundle());
    await left;
    now = new Date(now.getTime() + minuteMs);
    await cluster.rounds(3);
    expect(fingerprintsOf(liveBundle())).toEqual(fingerprintsOf(fresh.certificate));
  });

  test('when another CA is put there leads to it without a moment of distrust', async () => {
    const replica = await openReady();
    const old = storedCa();
    const fresh = await createAuthority({ now, lifetimeMs: 365 * dayMs });
    const content = applyStep('generate', undefined, { now, fresh });
    const from = replica.log.events.length;
    cluster.secret = { data: renderCaSecret(content, new Map()), version: 100 };
    await replica.log.next('leaf-issued', from);
    const settled = replica.log.next('bundle-patched', replica.log.events.length);
    now = new Date(now.getTime() + minuteMs);
    await settled;
    expect(cluster.published.slice(1).map((bundle) => fingerprintsOf(bundle))).toEqual([
      fingerprintsOf(fresh.certificate + old),
      fingerprintsOf(fresh.certificate),
    ]);
    expect(replica.log.codes().slice(from)).toEqual(['ca-adopted', 'bundle-patched', 'leaf-issued', 'bundle-patched']);
    expect(replica.source.health().ready).toBe(true);
  });
});

test('a leaf of a CA that the live configuration does not trust is not served while the old one works', async () => {
  const replica = await openReady();
  const before = replica.serving().certificate;
  const publish = refusePublishing();
  const fresh = await createAuthority({ now, lifetimeMs: 365 * dayMs });
  const content = applyStep('generate', undefined, { now, fresh });
  cluster.secret = { data: renderCaSecret(content, new Map()), version: 100 };
  await cluster.rounds(3);
  expect(replica.log.codes()).toContain('ca-adopted');
  expect(replica.serving().certificate).toBe(before);
  const issued = replica.log.next('leaf-issued');
  publish();
  await issued;
  verify(replica.serving(), fresh.certificate);
});

test('a new CA for an emptied Secret leaves the one that others still serve from trusted', async () => {
  const [old, expired] = await Promise.all([
    createAuthority({ now, lifetimeMs: 365 * dayMs }),
    createAuthority({ now: new Date(now.getTime() - 3 * dayMs), lifetimeMs: dayMs }),
  ]);
  cluster.bundles?.set(entry, old.certificate + expired.certificate);
  await openReady();
  expect(fingerprintsOf(liveBundle())).toEqual(fingerprintsOf(storedCa() + old.certificate));
  const parsed = parseCaSecret(cluster.secret?.data ?? new Map());
  expect(parsed).toMatchObject({ kind: 'filled', content: { phase: 'retiring', previous: [old.certificate] } });
});

describe('the bundle', () => {
  test.each<[string, (bundle: string, foreign: string) => string | undefined]>([
    ['removed', () => undefined],
    ['garbled', () => 'garbage'],
    ['cut off', (bundle) => bundle.slice(0, -40)],
    ['of another CA', (_, foreign) => foreign],
    ['with a foreign CA added', (bundle, foreign) => bundle + foreign],
  ])('%s is repaired', async (_, spoil) => {
    const foreign = (await createAuthority({ now, lifetimeMs: dayMs })).certificate;
    const { log } = await openReady();
    const good = liveBundle() ?? '';
    const patched = log.next('bundle-patched');
    cluster.bundles?.set(entry, spoil(good, foreign));
    expect((await patched).detail).toContain(`'${entry}' had `);
    expect(liveBundle()).toBe(good);
  });

  test('of each entry is repaired on its own', async () => {
    const { log } = await openReady();
    const patched = log.next('bundle-patched');
    cluster.bundles?.set('late.sidecar-injector.io', undefined);
    expect((await patched).detail).toBe("'late.sidecar-injector.io' had no bundle; 1 CA published");
    expect(cluster.bundles?.get('late.sidecar-injector.io')).toBe(storedCa());
  });

  test('in another order or with other white space is left alone', async () => {
    const { log } = await openReady();
    const written = cluster.published.length;
    cluster.bundles?.set(entry, `\n# ours\n${(liveBundle() ?? '').replaceAll('\n', '\r\n')}`);
    await cluster.rounds(2);
    expect(cluster.published).toHaveLength(written);
    expect(log.codes().filter((code) => code === 'bundle-patched')).toHaveLength(1);
  });
});

describe('readiness', () => {
  test('survives an API server that goes away, and repairs follow when it is back', async () => {
    const { log, source } = await openReady();
    const unreachable = log.next('api-unreachable', 0, 'the CA Secret');
    cluster.isDown = true;
    await unreachable;
    expect(source.health()).toEqual({ ready: true, reason: expect.stringContaining('ECONNREFUSED') });
    const patched = log.next('bundle-patched');
    cluster.bundles?.set(entry, undefined);
    cluster.isDown = false;
    await patched;
  });

  test('survives one failed handshake but not three', async () => {
    let failures = 0;
    let left = 1;
    const failing = Promise.withResolvers<void>();
    const { log, source } = await openReady({
      verifyServing: async () => {
        if (left === 0) return;
        left -= 1;
        failures += 1;
        if (failures > 4) failing.resolve();
        throw new Error(`handshake ${failures} failed`);
      },
    });
    const once = log.next('self-check-failed');
    left = 1;
    await once;
    expect(source.health().ready).toBe(true);
    left = 10;
    await failing.promise;
    expect(source.health()).toEqual({ ready: false, reason: expect.stringMatching(/^handshake \d+ failed$/) });
    await log.next('self-check-passed');
    expect(source.health().ready).toBe(true);
  });

  test('goes when the leaf expires', async () => {
    const { log, source } = await openReady();
    const unreachable = log.next('api-unreachable', 0, 'the CA Secret');
    cluster.isDown = true;
    await unreachable;
    now = new Date(now.getTime() + 400 * dayMs);
    expect(source.health()).toEqual({ ready: false, reason: expect.stringMatching(/expired on .*ECONNREFUSED$/) });
  });
});

describe('time', () => {
  test('renews the leaf from the same CA at 2/3 of its life', async () => {
    const replica = await openReady({ random: () => 0 });
    const { log } = replica;
    const before = replica.serving();
    const issued = log.next('leaf-issued');
    now = new Date(now.getTime() + (2 / 3) * 7 * dayMs);
    expect((await issued).detail).toContain('due for renewal since');
    verify(replica.serving(), storedCa());
    expect(replica.serving().certificate).not.toBe(before.certificate);
    expect(log.codes()).not.toContain('ca-prepared');
  });

  test('renews while there is no webhook configuration', async () => {
    const { log } = await openReady();
    const missing = log.next('webhook-missing');
    cluster.bundles = undefined;
    await missing;
    const issued = log.next('leaf-issued');
    now = new Date(now.getTime() + 6 * dayMs);
    await issued;
  });

  test('renews while the API server is away', async () => {
    const { log } = await openReady();
    const unreachable = log.next('api-unreachable', 0, 'the CA Secret');
    cluster.isDown = true;
    await unreachable;
    const issued = log.next('leaf-issued');
    now = new Date(now.getTime() + 6 * dayMs);
    await issued;
  });

  test('renews from the same CA while its bundle cannot be repaired', async () => {
    const { log } = await openReady();
    refusePublishing();
    cluster.bundles?.set(entry, undefined);
    const issued = log.next('leaf-issued');
    now = new Date(now.getTime() + 6 * dayMs);
    await issued;
  });

  test('rotates the CA with two replicas, and what either presents is trusted at every change', async () => {
    const distrusted: string[] = [];
    const replicas = [await openReady(), await openReady()];
    for (const { source } of replicas) {
      source.onChange((next) => {
        try {
          verify(next, liveBundle());
        } catch (error) {
          distrusted.push(String(error));
        }
      });
    }
    const old = storedCa();
    const advance = async (ms: number, code: 'ca-prepared' | 'ca-switched' | 'ca-dropped'): Promise<void> => {
      const told = Promise.race(replicas.map(({ log }) => log.next(code)));
      now = new Date(now.getTime() + ms);
      await told;
    };
    await advance(183 * dayMs, 'ca-prepared');
    expect(storedCa()).toBe(old);
    const fresh = cluster.secret?.data.get('ca-next.crt') ?? '';
    await Promise.race(replicas.map(({ log }) => log.next('bundle-patched', 0, '2 CAs published')));
    expect(sameCertificates(liveBundle(), joinBundle([old, fresh]))).toBe(true);

    const reissued = replicas.map(({ log }) => log.next('leaf-issued', 0, 'the CA has changed'));
    await advance(11 * minuteMs, 'ca-switched');
    await Promise.all(reissued);
    expect(storedCa()).toBe(fresh);
    expect(sameCertificates(liveBundle(), joinBundle([old, fresh]))).toBe(true);
    for (const replica of replicas) verify(replica.serving(), fresh);

    const renewed = replicas.map(({ log }) => log.next('leaf-issued'));
    now = new Date(now.getTime() + 6 * dayMs);
    await Promise.all(renewed);
    const patched = Promise.race(replicas.map(({ log }) => log.next('bundle-patched')));
    await advance(dayMs + 2 * hourMs, 'ca-dropped');
    await patched;
    expect(liveBundle()).toBe(fresh);
    expect(distrusted).toEqual([]);
    const parsed = parseCaSecret(cluster.secret?.data ?? new Map());
    expect(parsed).toMatchObject({ kind: 'filled', content: { phase: 'stable', generation: 2, previous: [] } });
    for (const { source } of replicas) expect(source.health().ready).toBe(true);
  });

  test('that a timer cannot hold is waited for, not skipped', async () => {
    // Node calls back at once when the delay is longer than 2^31 - 1 ms.
    const more = { pollMs: 2 ** 33, retryMs: 2 ** 33 };
    const replica = open(more);
    await replica.start();
    const rounds = cluster.rounds(3).then(() => 'rounds without end');
    expect(await Promise.race([rounds, sleep(250, 'waits')])).toBe('waits');
  });

  test('does not switch to a CA that the live configuration does not trust', async () => {
    const { log } = await openReady();
    const publish = refusePublishing();
    const prepared = log.next('ca-prepared');
    now = new Date(now.getTime() + 183 * dayMs);
    await prepared;
    now = new Date(now.getTime() + hourMs);
    await cluster.rounds(2);
    expect(log.codes()).toContain('webhook-conflict');
    expect(log.codes()).not.toContain('ca-switched');
    const switched = log.next('ca-switched');
    publish();
    await switched;
  });

  test.each([
    ['ahead', 183 * dayMs],
    ['behind', -183 * dayMs],
  ])('that is wrong, %s of the API server, does not move the CA that all share', async (side, skewMs) => {
    const serverNow = new Date(now);
    cluster.serverTime = () => serverNow;
    const replica = await openReady();
    const skewed = replica.log.next('clock-skewed');
    now = new Date(now.getTime() + skewMs);
    expect((await skewed).detail).toContain(side);
    await cluster.rounds(2);
    expect(cluster.fills).toEqual(['written']);
    const { validFromDate, validToDate } = new X509Certificate(replica.serving().certificate);
    expect(validFromDate.getTime()).toBeLessThan(serverNow.getTime());
    expect(validToDate.getTime()).toBeGreaterThan(now.getTime() > serverNow.getTime() ? serverNow.getTime() : 0);
  });
});
