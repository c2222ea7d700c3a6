import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { secretNames } from '../../../src/envoy/mesh-tls.ts';
import { kindOf, kinds, typeUrl, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { messageReader } from './message-reader.ts';
import { needsEndpoints, routesOf } from './references.ts';
import { content, fieldsOf } from './wire-fields.ts';

/** Whom to call, and as whom. */
export interface ProxyOrder {
  readonly port: number;
  /** Own address, one of 127.0.0.0/8. */
  readonly address: string;
  readonly token: string;
  /** The `Node` message. */
  readonly node: Buffer;
  /** Whether the control plane sends certificates on this stream. */
  readonly wantsSecrets: boolean;
}

/** A proxy that asks as Envoy does, acknowledges everything, and keeps nothing but names. */
export interface SimulatedProxy {
  /** Whether everything that was asked for has come. */
  isSynced(): boolean;
  /** Bytes of responses so far. */
  readonly bytes: Readonly<Record<Kind, number>>;
  /** Forgets which names it was told of. */
  mark(): void;
  /** Whether it has acknowledged a response with a resource of the name, or its removal, since the last mark. */
  hasHeard(kind: Kind, name: string): boolean;
  /** Why streams were ended by the server. */
  readonly refusals: readonly string[];
  close(): void;
}

interface Words {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly nonce?: string;
  readonly node?: Buffer;
}

/** Returns an `envoy.service.discovery.v3.DeltaDiscoveryRequest`, framed for gRPC. */
function frame(kind: Kind, { subscribe = [], unsubscribe = [], nonce, node }: Words): Buffer {
  const writer = new BinaryWriter();
  if (node !== undefined) writer.tag(1, WireType.LengthDelimited).bytes(node);
  writer.tag(2, WireType.LengthDelimited).string(typeUrl(kind));
  for (const name of subscribe) writer.tag(3, WireType.LengthDelimited).string(name);
  for (const name of unsubscribe) writer.tag(4, WireType.LengthDelimited).string(name);
  if (nonce !== undefined) writer.tag(6, WireType.LengthDelimited).string(nonce);
  const message = writer.finish();
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

const windowBytes = 16 * 2 ** 20;
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const retryMs = 400;

/** References of listeners that were read before: proxies get the same ones. */
const known = new Map<string, readonly string[]>();

function referencesOf(kind: Kind, name: string, resource: Buffer): readonly string[] {
  if (kind !== 'cluster' && kind !== 'listener') return [];
  const message = content(content(resource, 2), 2);
  if (kind === 'cluster') return needsEndpoints(message) ? [name] : [];
  const version = content(resource, 1).toString();
  const key = version === '' ? message.toString('latin1') : version;
  const found = known.get(key) ?? routesOf(message);
  known.set(key, found);
  return found;
}

/** What is known of one stream. */
function newState() {
  return { asked: new Map<Kind, Set<string>>(), held: new Map<Kind, Map<string, readonly string[]>>() };
}

/** Starts a proxy; it tries again half a second after a refusal. */
export function startProxy(order: ProxyOrder): SimulatedProxy {
  const bytes = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  const refusals: string[] = [];
  const heard = new Set<string>();
  let isClosed = false;
  let session: ClientHttp2Session | undefined;
  let stream: ClientHttp2Stream | undefined;
  let state = newState();

  const send = (kind: Kind, words: Words): void => void stream?.write(frame(kind, words));

  function need(kind: Kind, names: readonly string[]): void {
    const before = state.asked.get(kind) ?? new Set();
    const fresh = names.filter((name) => !before.has(name));
    if (fresh.length === 0) return;
    for (const name of fresh) before.add(name);
    state.asked.set(kind, before);
    send(kind, { subscribe: fresh });
  }

  function drop(kind: Kind, names: readonly string[]): void {
    const gone = names.filter((name) => state.asked.get(kind)?.delete(name) === true);
    for (const name of gone) state.held.get(kind)?.delete(name);
    if (gone.length > 0) send(kind, { unsubscribe: gone });
  }

  function take(message: Buffer, wireBytes: number): void {
    let kind: Kind | undefined;
    let nonce = '';
    const resources: Buffer[] = [];
    const removed: string[] = [];
    for (const { number, bytes: value } of fieldsOf(message)) {
      if (number === 2) resources.push(value);
      else if (number === 4) kind = kindOf(value.toString());
      else if (number === 5) nonce = value.toString();
      else if (number === 6) removed.push(value.toString());
    }
    if (kind === undefined) throw new Error('a response of a kind that was not asked for');
    bytes[kind] += wireBytes;
    const isFirst = !state.held.has(kind);
    const holds = state.held.get(kind) ?? new Map<string, readonly string[]>();
    state.held.set(kind, holds);
    const wanted: string[] = [];
    for (const resource of resources) {
      const name = content(resource, 3).toString();
      const references = referencesOf(kind, name, resource);
      holds.set(name, references);
      wanted.push(...references);
    }
    const unused = removed.flatMap((name) => {
      const references = holds.get(name) ?? [];
      holds.delete(name);
      return references;
    });
    send(kind, { nonce });
    for (const resource of resources) heard.add(`${kind} ${content(resource, 3).toString()}`);
    for (const name of removed) heard.add(`${kind} ${name}`);
    follow(kind, wanted, unused, isFirst);
  }

  /** Asks for what resources refer to, in Envoy's order. */
  function follow(kind: Kind, wanted: readonly string[], unused: readonly string[], isFirst: boolean): void {
    if (kind === 'cluster') {
      drop('endpoints', unused);
      need('endpoints', wanted);
      if (!isFirst) return;
      send('listener', {});
      if (order.wantsSecrets) need('secret', Object.values(secretNames));
    } else if (kind === 'listener') {
      const used = new Set([...(state.held.get(kind)?.values() ?? [])].flat());
      drop(
        'routes',
        unused.filter((name) => !used.has(name)),
      );
      need('routes', wanted);
    }
  }

  function open(): void {
    state = newState();
    const { port, address } = order;
    const current = connect(`https://127.0.0.1:${port}`, {
      createConnection: () =>
        connectTls({
          socket: connectTcp({ host: '127.0.0.1', port, localAddress: address, noDelay: true }),
          ALPNProtocols: ['h2'],
          // What is measured is the server; whom it proves to be is not.
          rejectUnauthorized: false,
        }),
      settings: { initialWindowSize: windowBytes },
    });
    session = current;
    const again = (reason: string): void => {
      if (isClosed || session !== current) return;
      session = undefined;
      refusals.push(reason);
      current.destroy();
      setTimeout(open, retryMs * (1 + Math.random() / 2));
    };
    current.on('connect', () => current.setLocalWindowSize(windowBytes));
    current.on('error', (error) => again(error.message));
    const call = current.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-accept-encoding': 'identity, deflate, gzip',
      authorization: `Bearer ${order.token}`,
    });
    stream = call;
    call.on('error', (error) => again(error.message));
    call.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) again(String(headers['grpc-message']));
    });
    call.on('trailers', (trailers) => again(String(trailers['grpc-message'])));
    call.on('close', () => again('closed'));
    call.on('data', messageReader(take));
    call.write(frame('cluster', { node: order.node }));
  }
  open();

  const hasAll = (kind: Kind): boolean => {
    const names = state.asked.get(kind);
    const holds = state.held.get(kind);
    return names === undefined || (holds !== undefined && [...names].every((name) => holds.has(name)));
  };
  return {
    isSynced: () => state.held.has('listener') && (['endpoints', 'routes', 'secret'] as const).every(hasAll),
    bytes,
    mark: () => heard.clear(),
    hasHeard: (kind, name) => heard.has(`${kind} ${name}`),
    refusals,
    close() {
      isClosed = true;
      session?.destroy();
    },
  };
}
