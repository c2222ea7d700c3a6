import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createEllipticAuthority, createLeafIssuer } from '../../src/certs/elliptic-certificate.ts';
import { keepLeaf } from '../../src/certs/kept-leaf.ts';
import { metadataKey, trafficMetadata } from '../../src/envoy/traffic-metadata.ts';
import type { Authenticator } from '../../src/mesh/identity/caller.ts';
import { noPeers } from '../../src/mesh/serve/mode-reports.ts';
import { defaultStreamLimits, type StreamLimits } from '../../src/mesh/serve/admission.ts';
import { startControlPlane, type ControlPlaneOptions } from '../../src/mesh/serve/control-plane.ts';
import { systemTimers } from '../../src/mesh/serve/timers.ts';
import { readService } from '../../src/mesh/world/service.ts';
import { proxyIntent } from '../support/builders/proxy-intent.ts';
import { openProbe, type DiscoveryProbe } from '../support/mesh/discovery-probe.ts';
import { identityOf } from '../support/mesh/identity.ts';
import { createManualTimers, type ManualTimers } from '../support/mesh/manual-timers.ts';
import { until } from '../support/waiting.ts';

// The server of proxies' streams with real connections: its certificate, its limits, and peers that never say who they are.

const day = 24 * 60 * 60 * 1000;
const now = new Date();
const own = createEllipticAuthority({ name: 'control-plane', now, lifetimeMs: 3_650 * day });
const mesh = createEllipticAuthority({ name: 'mesh', now, lifetimeMs: day });
const issuer = createLeafIssuer(own);
const issue = (at: Date) => issuer.issue({ names: { dns: ['mesh.test'] }, now: at, lifetimeMs: 30 * day });
const metadata = { [metadataKey]: trafficMetadata(proxyIntent()) };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Tokens are the names of pods; `slow` waits for what never comes. */
const authenticator: Authenticator = {
  authenticate(token) {
    if (token === 'stranger') return Promise.resolve({ refused: 'the pod is not known' });
    if (token === 'slow') return new Promise(() => undefined);
    if (token === 'away') return Promise.reject(new Error('the API server is away'));
    return Promise.resolve({ namespace: 'shop', serviceAccount: 'default', podName: token, podUid: `uid-${token}` });
  },
};

async function start(limits: Partial<StreamLimits> = {}, more: Partial<ControlPlaneOptions> = {}) {
  const reports: string[] = [];
  const timers = createManualTimers();
  const running = await startControlPlane({
    host: '127.0.0.1',
    port: 0,
    domains: { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
    pair: issue(now),
    identity: identityOf(mesh),
    authenticator,
    limits: { ...defaultStreamLimits, ...limits },
    strangers: { most: 256, mostOfAddress: 8, patienceMs: 600_000 },
    clock: () => new Date(),
    timers,
    random: () => 0.5,
    pausedBy: () => undefined,
    report: () => undefined,
    refused: () => undefined,
    turnedAway: (_, reason) => reports.push(`turned away: ${reason}`),
    declined: (_, reason) => reports.push(`declined: ${reason}`),
    connectionCut: () => reports.push('cut'),
    connectionFailed: (error) => reports.push(error.message),
    certificateFailed: (error) => reports.push(String(error)),
    lost: () => undefined,
    settled: () => undefined,
    noticed: () => undefined,
    peerReports: () => noPeers,
    stepped: () => undefined,
    converged: () => undefined,
    ...more,
  });
  cleanups.push(() => running.stop());
  const open = (token: string, answers = true): DiscoveryProbe => {
    const probe = openProbe(`127.0.0.1:${running.port}`, own.certificate, token, 'mesh.test', answers);
    cleanups.push(() => probe.close());
    probe.subscribe('cluster', [], metadata);
    return probe;
  };
  return { running, sessions: running.sessions, reports, open, timers };
}

const answered = (probe: DiscoveryProbe) => until('an answer', () => probe.responses.length > 0 || undefined);
const ended = (probe: DiscoveryProbe) => until('the end of the stream', () => probe.ending());

/** Waits until the connection is closed, which it is a moment after its stream has ended. */
function disconnected(probe: DiscoveryProbe, timers: ManualTimers): Promise<true> {
  timers.pass(50);
  return until('the end of the connection', () => !probe.isConnected() || undefined);
}

async function handshake(port: number): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ca: own.certificate,
    servername: 'mesh.test',
    ALPNProtocols: ['h2'],
  });
  socket.on('error', () => undefined).resume();
  cleanups.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

test('the certificate is renewed in time, for new connections and without ending a stream', async () => {
  // TLS looks at the real clock: the first leaf was issued three weeks ago.
  let clock = new Date(now.getTime() - 21 * day);
  let look = (): void => undefined;
  const failures: unknown[] = [];
  let canIssue = true;
  const { running, open } = await start({}, { timers: systemTimers });
  const { port } = running;
  const leaf = keepLeaf({
    issue(at) {
      if (!canIssue) throw new Error('no');
      return issue(at);
    },
    clock: () => clock,
    random: () => 0,
    every(_, action) {
      look = action;
      return () => (look = () => undefined);
    },
    onRenewed: (renewed) => running.useCertificate(renewed),
    onFailed: (error) => failures.push(error),
  });
  running.useCertificate(leaf.current());
  const [first, probe] = [(await handshake(port)).getPeerCertificate(), open('web')];
  await answered(probe);

  clock = new Date(now.getTime() - 2 * day);
  look();
  expect((await handshake(port)).getPeerCertificate().serialNumber).toBe(first.serialNumber);

  clock = now;
  canIssue = false;
  look();
  expect(failures).toEqual([new Error('no')]);
  expect((await handshake(port)).getPeerCertificate().serialNumber).toBe(first.serialNumber);
  canIssue = true;
  look();
  const second = (await handshake(port)).getPeerCertificate();
  expect(second.serialNumber).not.toBe(first.serialNumber);
  expect(new Date(second.valid_to)).toEqual(new Date(Math.floor(leaf.current().notAfter.getTime() / 1000) * 1000));

  const cart = {
    metadata: { namespace: 'shop', name: 'cart' },
    spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] },
  };
  running.apply([{ kind: 'service', key: 'shop/cart', value: readService(cart) }]);
  await probe.untilAbout('cluster', 'outbound|80||cart.shop.svc.cluster.local');
  expect(probe.ending()).toBeUndefined();
  leaf.release();
});

test('a proxy that says it is another workload gets the certificate of the one that its token names', async () => {
  const { running } = await start();
  const probe = openProbe(`127.0.0.1:${running.port}`, own.certificate, 'web', 'mesh.test');
  cleanups.push(() => probe.close());
  const claims = trafficMetadata(proxyIntent({ workload: 'admin' }));
  probe.subscribe('cluster', [], { [metadataKey]: claims, NAMESPACE: 'kube-system', SERVICE_ACCOUNT: 'admin' });
  probe.subscribe('secret', ['default']);
  const { resources } = await probe.untilAbout('secret', 'default');
  const text = JSON.stringify(resources[0]?.message).replaceAll(String.raw`\n`, '\n');
  const leaf = new X509Certificate(/-----BEGIN CERT[^]*?END CERTIFICATE-----/.exec(text)?.[0] ?? '');
  expect(leaf.subjectAltName).toBe('URI:spiffe://cluster.local/ns/shop/sa/default');
});

describe('streams', () => {
  test('above the limit are left to another replica, and their connection is closed', async () => {
    const { open, reports, sessions, timers } = await start({ most: 2 });
    const [first, second] = [open('a'), open('b')];
    await Promise.all([first, second].map(answered));
    const third = open('c');
    expect(await ended(third)).toEqual({ code: 14, text: 'this replica has 2 streams, which is its limit' });
    expect(reports).toEqual(['declined: this replica has 2 streams, which is its limit']);
    await disconnected(third, timers);
    first.close();
    await until('room', () => sessions.size === 1 || undefined);
    await answered(open('c'));
  });

  test('that come faster than they can be served wait for their turn, and the rest is left to another replica', async () => {
    const { open, sessions, timers } = await start({ perSecond: 10, burst: 2, patienceMs: 350 });
    const probes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((token) => open(token));
    const refused = await until('those that would wait too long', () => {
      const over = probes.filter((probe) => probe.ending() !== undefined);
      return over.length === 4 ? over : undefined;
    });
    for (const probe of refused) expect(probe.ending()).toEqual({ code: 14, text: 'too many proxies connect at once' });
    for (const count of [2, 3, 4, 5]) {
      await until(`${count} streams`, () => sessions.size === count || undefined);
      timers.pass(100);
    }
    expect(probes.filter((probe) => probe.ending() === undefined)).toHaveLength(5);
  });

  test('of proxies that start are taken a few at a time; who has its configuration makes room', async () => {
    const { open, sessions, timers } = await start({ starting: 1, patienceMs: 300 });
    const first = open('a', false);
    await answered(first);
    const second = open('b');
    await timers.untilWaiting(300);
    timers.pass(300);
    expect(await ended(second)).toEqual({ code: 14, text: 'too many proxies connect at once' });
    const third = open('c');
    await timers.untilWaiting(300);
    first.acknowledge();
    await until('the acknowledgement', () => [...sessions].every((session) => session.isInSync()) || undefined);
    timers.pass(100);
    await answered(third);
    const fourth = open('d');
    await timers.untilWaiting(300);
    await until('the acknowledgement', () => [...sessions].every((session) => session.isInSync()) || undefined);
    timers.pass(100);
    await answered(fourth);
    expect([...sessions].map(({ caller }) => caller.podName)).toEqual(['a', 'c', 'd']);
  });

  test('of one pod are not more than two: the newest stay', async () => {
    const { open, sessions } = await start();
    const probes: DiscoveryProbe[] = [];
    for (const token of ['web', 'web', 'other', 'web']) {
      const probe = open(token);
      probes.push(probe);
      await answered(probe);
    }
    expect(await ended(probes[0] as DiscoveryProbe)).toEqual({ code: 14, text: 'the pod has newer streams' });
    expect([...sessions].map(({ caller }) => caller.podName)).toEqual(['web', 'other', 'web']);
  });

  test('end without an error when they have reached their age, and with them their connection', async () => {
    const { open, timers } = await start({ ageMs: 300 });
    const probe = open('web');
    await answered(probe);
    timers.pass(299);
    expect(probe.isConnected()).toBe(true);
    timers.pass(1);
    expect(await ended(probe)).toEqual({ code: 0, text: '' });
    await disconnected(probe, timers);
  });

  test('wait while the control plane takes none', async () => {
    let reason: string | undefined = 'the control plane is starting';
    const { open } = await start({}, { pausedBy: () => reason });
    expect(await ended(open('web'))).toEqual({ code: 14, text: 'the control plane is starting' });
    reason = undefined;
    await answered(open('web'));
  });

  test('whose caller cannot be checked now may come again', async () => {
    const { open, reports } = await start();
    const text = 'the control plane cannot take this stream now';
    expect(await ended(open('away'))).toEqual({ code: 14, text });
    expect(reports).toEqual(['declined: the API server is away']);
  });

  test('that say nothing are ended', async () => {
    const { running, timers } = await start({ firstMessageMs: 100 });
    const silent = openProbe(`127.0.0.1:${running.port}`, own.certificate, 'web', 'mesh.test');
    cleanups.push(() => silent.close());
    await timers.untilWaiting(100);
    timers.pass(100);
    expect(await ended(silent)).toEqual({ code: 3, text: 'no request came in time' });
  });
});

describe('a peer that nobody knows', () => {
  test('costs no memory: what it sends is not read', async () => {
    const { open, reports, timers } = await start();
    const probe = open('slow');
    // A megabyte each; the connection takes 64 KiB of the first.
    const names = Array.from({ length: 20_000 }, (_, index) => `${index}-${'x'.repeat(45)}`);
    for (let times = 0; times < 8; times += 1) probe.subscribe('endpoints', names);
    const stranger = open('stranger');
    expect(await ended(stranger)).toEqual({ code: 16, text: 'the pod is not known' });
    await disconnected(stranger, timers);
    expect(probe.waiting()).toBeGreaterThanOrEqual(7);
    expect(reports).toEqual(['turned away: the pod is not known']);
  });

  test('is disconnected after a while, at every stage', async () => {
    const asked: string[] = [];
    const { open, running, reports, timers } = await start(
      {},
      {
        strangers: { most: 256, mostOfAddress: 8, patienceMs: 200 },
        authenticator: {
          authenticate(token, address) {
            asked.push(token);
            return authenticator.authenticate(token, address);
          },
        },
      },
    );
    const bare: Socket = connectTcp(running.port, '127.0.0.1').resume();
    const [silent, slow, known] = [await handshake(running.port), open('slow'), open('web')];
    await answered(known);
    await until('the question who it is', () => asked.includes('slow') || undefined);
    await timers.untilWaiting(200, 3);
    timers.pass(200);
    await Promise.all([once(bare, 'close'), once(silent, 'close')]);
    expect((await ended(slow)).code).toBe(14);
    expect(reports).toEqual(['cut', 'cut', 'cut']);
    expect(known.ending()).toBeUndefined();
  });

  test('cannot take the place of others with many connections', async () => {
    const { open, running } = await start();
    const known = open('web');
    await answered(known);
    const sockets: TLSSocket[] = [];
    for (let count = 0; count < 12; count += 1) sockets.push(await handshake(running.port));
    await until('the oldest to be closed', () => sockets.filter(({ closed }) => closed).length === 4 || undefined);
    expect(sockets.map(({ closed }) => closed).slice(0, 5)).toEqual([true, true, true, true, false]);
    expect(known.ending()).toBeUndefined();
    await answered(open('another'));
  });
});
