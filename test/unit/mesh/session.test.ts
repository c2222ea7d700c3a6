import { beforeEach, describe, expect, test } from '@jest/globals';
import { metadataKey, trafficMetadata } from '../../../src/envoy/traffic-metadata.ts';
import { kinds, typeUrl, type Kind } from '../../../src/mesh/resources/kinds.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { noPeers } from '../../../src/mesh/serve/mode-reports.ts';
import { createCatalog, type Catalog } from '../../../src/mesh/serve/catalog.ts';
import { createSession, type Session, type SessionEvent } from '../../../src/mesh/serve/session.ts';
import { createResponseWriter, type DiscoveryRequest } from '../../../src/mesh/wire/discovery.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import type { WorldEvent } from '../../../src/mesh/world/world.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';

const encoder = createEncoder(loadEnvoyTypes());
const write = createResponseWriter();

let now: number;
let timers: { readonly atMs: number; readonly action: () => void }[];
let catalog: Catalog;

function after(milliseconds: number, action: () => void): () => void {
  const timer = { atMs: now + milliseconds, action };
  timers.push(timer);
  return () => (timers = timers.filter((one) => one !== timer));
}

/** Lets time pass, one timer after the other. */
function pass(milliseconds: number): void {
  const end = now + milliseconds;
  for (;;) {
    const [next] = timers.toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined || next.atMs > end) break;
    timers = timers.filter((one) => one !== next);
    now = next.atMs;
    next.action();
  }
  now = end;
}

beforeEach(() => {
  now = 0;
  timers = [];
  catalog = createCatalog({
    encoder,
    domains: { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
    nowMs: () => now,
    after,
    refused: () => undefined,
    converged: () => undefined,
    noticed: () => undefined,
    peerReports: () => noPeers,
    stepped: () => undefined,
  });
});

function service(index: number, appProtocol: string): WorldEvent {
  const object = {
    metadata: { namespace: 'shop', name: `s${index}` },
    spec: { clusterIPs: [`10.96.${index >> 8}.${index % 256}`], ports: [{ name: 'p', port: 80, appProtocol }] },
  };
  return { kind: 'service', key: `shop/s${index}`, value: readService(object) };
}

const metadata = { [metadataKey]: trafficMetadata(proxyIntent()) };

interface Opened {
  readonly session: Session;
  /** What was sent: how many bytes, of how many responses, and the last of them compressed. */
  readonly sent: { bytes: number; responses: number; last: Buffer };
  readonly events: SessionEvent[];
  readonly endings: string[];
  readonly ask: (kind: Kind, more?: Partial<DiscoveryRequest>) => void;
}

function open(secrets: readonly Resource[] = [], isSilent = false): Opened {
  const sent = { bytes: 0, responses: 0, last: Buffer.alloc(0) };
  const events: SessionEvent[] = [];
  const endings: string[] = [];
  const session = createSession({
    connection: {
      token: '',
      peerAddress: '10.1.2.3',
      send(message) {
        sent.bytes += message.plain().reduce((sum, { length }) => sum + length, 0);
        sent.responses += 1;
        sent.last = Buffer.concat(message.deflated());
      },
      welcome: () => undefined,
      end: (_, text) => void endings.push(text),
      onMessage: () => undefined,
      onEnd: () => undefined,
    },
    caller: { namespace: 'shop', serviceAccount: 'web', podName: 'web', podUid: 'u' },
    catalog,
    secrets,
    report: (event) => void events.push(event),
    write,
    after,
  });
  const none = { subscribe: [], unsubscribe: [], initialVersions: {}, nonce: '', rejection: undefined };
  const ask = (kind: Kind, more: Partial<DiscoveryRequest> = {}): void =>
    session.receive({ typeUrl: typeUrl(kind), ...none, ...more });
  if (!isSilent) ask('cluster', { node: { id: 'web', cluster: 'web', metadata, build: '1' } });
  return { session, sent, events, endings, ask };
}

describe('a proxy that answers nothing', () => {
  test('loses its stream after 30 s', () => {
    const { endings } = open();
    pass(29_999);
    expect(endings).toEqual([]);
    pass(1);
    expect(endings).toEqual(['the proxy has answered nothing for 30 s; it gets all that it lacks when it returns']);
  });

  test('keeps it if nothing is to be answered', () => {
    const { endings, ask } = open();
    ask('cluster', { nonce: '1' });
    pass(120_000);
    expect(endings).toEqual([]);
  });

  test('has 30 s from its last word', () => {
    const { endings, ask } = open();
    pass(29_000);
    ask('listener');
    pass(29_000);
    expect(endings).toEqual([]);
    pass(1_000);
    expect(endings).toHaveLength(1);
  });

  test('makes the control plane keep no more than all that it lacks, twice, however much changes', () => {
    catalog.apply(Array.from({ length: 10 }, (_, index) => service(index, 'http')));
    // How much the whole state is, for a proxy that takes it.
    const whole = open();
    const names = (kind: Kind): string[] => Array.from(catalogNames(kind));
    for (const kind of kinds)
      if (kind !== 'cluster') whole.ask(kind, { subscribe: kind === 'listener' ? [] : names(kind) });
    let nonce = 1;
    for (; nonce <= whole.sent.responses; nonce += 1)
      for (const kind of kinds) whole.ask(kind, { nonce: String(nonce) });
    whole.session.close();

    const silent = open();
    for (const kind of kinds)
      if (kind !== 'cluster') silent.ask(kind, { subscribe: kind === 'listener' ? [] : names(kind) });
    for (let times = 0; times < 60; times += 1) {
      catalog.apply(Array.from({ length: 10 }, (_, index) => service(index, times % 2 === 0 ? 'tcp' : 'http')));
      pass(500);
    }
    expect(silent.endings).toHaveLength(1);
    expect(silent.sent.bytes).toBeLessThan(2 * whole.sent.bytes + 10_000);
    expect(silent.sent.responses).toBeLessThanOrEqual(3 * kinds.length);
  });
});

/** Names that a proxy would ask for after it has got clusters and listeners. */
function catalogNames(kind: Kind): readonly string[] {
  if (kind === 'secret') return ['default'];
  return Array.from({ length: 10 }, (_, index) => `outbound|80||s${index}.shop.svc.cluster.local`);
}

test('a rejection says whose it is, and whether others are spared', () => {
  catalog.apply([service(0, 'http')]);
  const { events, ask } = open();
  ask('cluster', { nonce: '1', rejection: 'no' });
  // One by one, until the bad one is found.
  for (let nonce = 2; nonce < 20; nonce += 1) ask('cluster', { nonce: String(nonce), rejection: 'no' });
  const rejected = events.filter(({ type }) => type === 'rejected');
  expect(rejected).toContainEqual(expect.objectContaining({ owner: 'shop/s0', isWithheld: true, text: 'no' }));
  expect(rejected).toContainEqual(expect.objectContaining({ owner: 'proxy', isWithheld: false }));
  expect(catalog.withheld('cluster')).toBe(1);
});

test('a proxy that asks for names without end is told so', () => {
  const { ask } = open();
  const names = (from: number) => Array.from({ length: 50_000 }, (_, index) => `name-${from + index}`);
  ask('endpoints', { subscribe: names(0) });
  ask('endpoints', { subscribe: names(50_000) });
  expect(() => ask('endpoints', { subscribe: ['one-more'] })).toThrow('more than 100000 names of endpoints');
});

test('a key is not compressed, whose length would tell of it', () => {
  const key = 'key '.repeat(500);
  const json = { name: 'default', tls_certificate: { private_key: { inline_string: key } } };
  const { sent, ask } = open([{ kind: 'secret', name: 'default', json }]);
  ask('secret', { subscribe: ['default'] });
  expect(sent.last.includes(key)).toBe(true);
});

const secret = (name: string, text: string): Resource => ({
  kind: 'secret',
  name,
  json: { name, tls_certificate: { certificate_chain: { inline_string: text } } },
});

describe('the secrets of a proxy', () => {
  test('are those of its first message, however long it waits with that', () => {
    const { session, sent, ask } = open([secret('default', 'first')], true);
    session.useSecrets([secret('default', 'second')]);
    ask('cluster', { node: { id: 'web', cluster: 'web', metadata, build: '1' } });
    ask('secret', { subscribe: ['default'] });
    expect(sent.last.includes('second')).toBe(true);
    expect(sent.last.includes('first')).toBe(false);
  });

  test('are held when they are accepted, and not before, nor when they are rejected', () => {
    const { session, ask } = open([secret('default', 'first'), secret('ROOTCA', 'root')]);
    ask('cluster', { nonce: '1' });
    ask('listener', { nonce: '' });
    ask('secret', { subscribe: ['default', 'ROOTCA'] });
    expect(session.holdsSecrets()).toBe(false);
    ask('secret', { nonce: '3' });
    expect(session.holdsSecrets()).toBe(true);
    session.useSecrets([secret('default', 'first'), secret('ROOTCA', 'next')]);
    expect(session.holdsSecrets()).toBe(false);
    ask('secret', { nonce: '4', rejection: 'no' });
    expect(session.holdsSecrets()).toBe(false);
    session.useSecrets([secret('default', 'first'), secret('ROOTCA', 'root')]);
    expect(session.holdsSecrets()).toBe(true);
  });

  test('are not held by a proxy that has said nothing, and are by one that uses none once it has its listeners', () => {
    const { session, ask } = open([secret('default', 'first')], true);
    expect(session.holdsSecrets()).toBe(false);
    ask('cluster', { node: { id: 'web', cluster: 'web', metadata, build: '1' } });
    expect(session.holdsSecrets()).toBe(false);
    ask('cluster', { nonce: '1' });
    ask('listener');
    ask('listener', { nonce: '2' });
    expect(session.holdsSecrets()).toBe(true);
  });
});
