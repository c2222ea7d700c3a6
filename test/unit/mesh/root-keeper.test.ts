import { describe, expect, test } from '@jest/globals';
import { createEllipticAuthority } from '../../../src/certs/elliptic-certificate.ts';
import { rootAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import { openRoot, rotateAnnotation, type RootKeeper } from '../../../src/mesh/identity/root-keeper.ts';
import { defaultRootPolicy, trustedRoots } from '../../../src/mesh/identity/root-rotation.ts';
import { certManagerValues, makeForeign } from '../../support/mesh/foreign-authorities.ts';
import { createStoredSecret, type StoredSecret } from '../../support/mesh/stored-secret.ts';

const hour = 60 * 60 * 1000;
/** After all certificates of this test have become valid. */
const startMs = Date.now() + 60_000;
const done = { proxies: 2, holding: 2, silentReplicas: 0 };

/** A replica, its clocks, and the Secrets that people edit. */
async function open(
  more: {
    readonly secret?: StoredSecret;
    readonly data?: Readonly<Record<string, string>>;
    readonly given?: Readonly<Record<string, string>>;
  } = {},
) {
  const time = { serverMs: startMs, aheadMs: 0, answers: done };
  const secret = more.secret ?? createStoredSecret(more.data ?? {}, () => new Date(time.serverMs));
  const given = createStoredSecret(more.given, () => new Date(time.serverMs));
  const reasons: string[] = [];
  const keeper: RootKeeper = await openRoot({
    store: { read: () => secret.store.read(), fill: (data, version) => secret.store.fill(data, version) },
    secret: 'root',
    given: given.store,
    givenSecret: 'cacerts',
    clock: () => new Date(time.serverMs + time.aheadMs),
    steadyMs: () => time.serverMs,
    policy: defaultRootPolicy,
    create: (now) =>
      rootAuthority(createEllipticAuthority({ name: 'mesh', now, lifetimeMs: defaultRootPolicy.lifetimeMs })),
    answers: () => Promise.resolve(time.answers),
    onState: (_, reason) => reasons.push(reason),
  });
  const pass = async (ms: number): Promise<string> => {
    time.serverMs += ms;
    await keeper.look();
    return keeper.state().phase;
  };
  return { keeper, secret, given, time, reasons, pass };
}

const pairOf = (
  authority = createEllipticAuthority({ name: 'mesh', now: new Date(startMs), lifetimeMs: 9_000 * hour }),
) => ({
  'ca.crt': authority.certificate,
  'ca.key': authority.privateKey,
});

describe('a replica that starts', () => {
  test('and all others at once have the same authority', async () => {
    const secret = createStoredSecret({ note: 'mine' });
    const all = await Promise.all(Array.from({ length: 4 }, () => open({ secret })));
    expect(new Set(all.map(({ keeper }) => keeper.state().current.certificate)).size).toBe(1);
    expect(secret.data()).toMatchObject({ note: 'mine', phase: 'stable', generation: '1' });
  });

  test('uses what is given, if the Secret is empty', async () => {
    const root = makeForeign({ name: 'Root' });
    const { keeper } = await open({ given: certManagerValues(makeForeign({ name: 'Mesh', issuer: root }), root) });
    expect(keeper.state().current.chain).toHaveLength(1);
  });

  test.each<[string, Parameters<typeof open>[0], string]>([
    [
      'without the Secret',
      { secret: createStoredSecret(undefined) },
      'the Secret root does not exist: apply the manifest that holds it',
    ],
    [
      'with garbage',
      { data: { 'ca.crt': 'garbage', 'ca.key': 'garbage' } },
      'the Secret root: ca.crt is not one certificate in PEM; put back what was there, or remove all keys to have a new authority made',
    ],
    [
      'with nothing but garbage that is given',
      { given: { 'tls.crt': 'garbage', 'tls.key': 'garbage' } },
      'the Secret cacerts: tls.crt holds no certificates in PEM',
    ],
  ])('%s says why it does not', async (_, more, why) => {
    await expect(open(more)).rejects.toThrow(why);
  });

  test('says so if others change the Secret all the time', async () => {
    const { store, ...rest } = createStoredSecret({});
    const secret = { ...rest, store: { ...store, fill: () => Promise.resolve('conflict' as const) } };
    await expect(open({ secret })).rejects.toThrow(
      'the Secret root could not be filled: others change it all the time',
    );
  });

  test('goes on in the phase in which it stopped', async () => {
    const first = await open({ data: pairOf() });
    first.secret.annotate({ [rotateAnnotation]: 'June' });
    expect(await first.pass(0)).toBe('trust');
    const next = first.keeper.state().next?.certificate;
    const again = await open({ secret: first.secret });
    expect(again.keeper.state()).toEqual(first.keeper.state());
    first.time.serverMs += 26 * hour;
    expect(await again.pass(26 * hour)).toBe('sign');
    expect(again.keeper.state().current.certificate).toBe(next);
  });

  test('replaces what has expired when it looks first', async () => {
    const old = createEllipticAuthority({ name: 'mesh', now: new Date(startMs - 9 * hour), lifetimeMs: hour });
    const { keeper, pass } = await open({ data: pairOf(old) });
    expect(await pass(0)).toBe('sign');
    expect(keeper.state().current.certificate).not.toBe(old.certificate);
  });
});

describe('under a replica that runs', () => {
  test.each<[string, Readonly<Record<string, string>> | undefined, string]>([
    [
      'garbage',
      { 'ca.crt': 'garbage', 'ca.key': 'x' },
      'the Secret root: ca.crt is not one certificate in PEM; this replica goes on with what it has: put back what was there, or remove all keys to have it put back',
    ],
    ['half of a pair', { 'ca.key': 'x' }, 'the Secret root: it must have both ca.crt and ca.key; this replica goes on'],
    [
      'an authority that has expired',
      pairOf(createEllipticAuthority({ name: 'old', now: new Date(startMs - 9 * hour), lifetimeMs: hour })),
      'the Secret root: it holds another authority, which has expired; this replica goes on',
    ],
    ['nothing at all', undefined, 'the Secret root does not exist: apply the manifest that holds it'],
  ])('%s in the Secret changes nothing, and is said', async (_, data, problem) => {
    const { keeper, secret, pass, reasons } = await open({ data: pairOf() });
    const before = keeper.state();
    secret.put(data);
    await pass(hour);
    expect(keeper.problems()).toEqual([expect.stringContaining(problem)]);
    expect(keeper.state()).toEqual(before);
    expect(reasons).toEqual([]);
    expect(secret.data()).toEqual(data ?? {});
  });

  test('an empty Secret is filled with what was there', async () => {
    const { keeper, secret, pass } = await open({ data: pairOf() });
    const { certificate } = keeper.state().current;
    secret.put({ note: 'mine' });
    await pass(0);
    expect(secret.data()).toMatchObject({ note: 'mine', 'ca.crt': certificate });
    expect(keeper.problems()).toEqual([]);
  });

  test('another authority, or an old copy of the Secret, is rotated to, and signs nothing at once', async () => {
    const { keeper, secret, pass } = await open({ data: pairOf() });
    const [first, copy] = [keeper.state().current.certificate, secret.data()];
    const other = createEllipticAuthority({ name: 'other', now: new Date(startMs), lifetimeMs: 9_000 * hour });
    secret.put(pairOf(other));
    expect(await pass(0)).toBe('trust');
    expect(keeper.state().current.certificate).toBe(first);
    expect(trustedRoots(keeper.state())).toEqual([first, other.certificate]);
    expect(secret.data()).toMatchObject({ 'ca.crt': first, 'ca-next.crt': other.certificate });
    expect(await pass(26 * hour)).toBe('sign');
    expect(keeper.state().current.certificate).toBe(other.certificate);
    secret.put(copy);
    expect(await pass(0)).toBe('trust');
    expect(keeper.state().current.certificate).toBe(other.certificate);
    expect(keeper.state().next?.certificate).toBe(first);
  });

  test('garbage that is given changes nothing, and is said; a request then has no effect, which is said, too', async () => {
    const { keeper, secret, given, pass } = await open({ data: pairOf() });
    given.put({ 'ca-cert.pem': 'garbage' });
    secret.annotate({ [rotateAnnotation]: 'June' });
    expect(await pass(300 * 24 * hour)).toBe('stable');
    expect(keeper.problems()).toEqual([
      expect.stringContaining(
        'the Secret cacerts: ca-cert.pem holds no certificates in PEM: no PEM certificate found; what signs now stays',
      ),
      `the annotation ${rotateAnnotation} has no effect: the Secret cacerts says which authority signs`,
    ]);
  });

  test('an API server that is away changes nothing', async () => {
    const { keeper, secret, pass } = await open({ data: pairOf() });
    secret.store.read = () => Promise.reject(new Error('the API server is away'));
    expect(await pass(hour)).toBe('stable');
    expect(keeper.problems()).toEqual(['the API server is away']);
  });

  test('an annotation that was there before the first authority asks for nothing', async () => {
    const secret = createStoredSecret({});
    secret.annotate({ [rotateAnnotation]: 'June' });
    const { pass } = await open({ secret });
    expect(await pass(hour)).toBe('stable');
  });
});

describe('a clock', () => {
  test('that is ahead is said, and does not shorten a phase', async () => {
    const { keeper, secret, time, pass } = await open({ data: pairOf() });
    secret.annotate({ [rotateAnnotation]: 'June' });
    await pass(0);
    time.aheadMs = 400 * 24 * hour;
    expect(await pass(24 * hour)).toBe('trust');
    expect(keeper.problems()).toEqual(["this clock is 576000 min ahead of the API server's"]);
    expect(keeper.times()).toEqual({ earliestMs: time.serverMs, latestMs: time.serverMs + time.aheadMs });
    expect(await pass(2 * hour)).toBe('sign');
  });

  test('that was ahead when the phase began, or goes back, does not make it longer than a day from when it is seen', async () => {
    const { secret, time, pass } = await open({ data: pairOf() });
    time.aheadMs = 400 * 24 * hour;
    secret.annotate({ [rotateAnnotation]: 'June' });
    await pass(0);
    await pass(hour);
    time.aheadMs = -20 * hour;
    expect(await pass(23 * hour)).toBe('trust');
    expect(await pass(2 * hour)).toBe('sign');
  });
});

test('two replicas that take the same step at once agree', async () => {
  const one = await open({ data: pairOf() });
  const other = await open({ secret: one.secret });
  one.secret.annotate({ [rotateAnnotation]: 'June' });
  await Promise.all([one.pass(0), other.pass(0)]);
  await Promise.all([one.pass(0), other.pass(0)]);
  expect(one.keeper.state()).toMatchObject({ phase: 'trust' });
  expect(other.keeper.state()).toEqual(one.keeper.state());
  await Promise.all([one.pass(26 * hour), other.pass(26 * hour)]);
  await Promise.all([one.pass(0), other.pass(0)]);
  expect(one.keeper.state()).toMatchObject({ phase: 'sign', generation: 2 });
  expect(other.keeper.state()).toEqual(one.keeper.state());
});

test('what a phase waits for is said', async () => {
  const { keeper, secret, time, pass } = await open({ data: pairOf() });
  await pass(0);
  expect(keeper.outlook()).toMatch(/^the root is replaced from \d{4}-/);
  secret.annotate({ [rotateAnnotation]: 'June' });
  await pass(0);
  await pass(24 * hour);
  expect(keeper.outlook()).toBe('60 min more for proxies that are away');
  time.answers = { proxies: 3, holding: 2, silentReplicas: 1 };
  await pass(2 * hour);
  expect(keeper.outlook()).toBe('2 of 3 connected proxies have answered, and 1 replicas do not say');
});
