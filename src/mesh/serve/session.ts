import { readTrafficMetadata } from '../../envoy/traffic-metadata.ts';
import type { Caller } from '../identity/caller.ts';
import { kindOf, typeUrl, type Kind } from '../resources/kinds.ts';
import type { Resource } from '../resources/resource.ts';
import type { Observation, Output, Request, Response } from '../stream/exchange.ts';
import { createStream } from '../stream/stream.ts';
import type { Changes } from '../stream/target.ts';
import type { DiscoveryRequest, DiscoveryResponse, Message } from '../wire/discovery.ts';
import type { AdsConnection } from './ads-server.ts';
import { isOwn } from './capture-sets.ts';
import type { Catalog, Member } from './catalog.ts';
import type { ShelvedResource } from './shelf.ts';

/** What happens on a stream, for metrics, log and verdicts. */
export type SessionEvent =
  | { readonly type: 'accepted'; readonly kind: Kind; readonly count: number }
  | {
      readonly type: 'rejected';
      readonly kind: Kind;
      readonly name: string;
      readonly version: string;
      readonly owner: string;
      readonly text: string;
      /** Whether others of the same build get the last good version instead. */
      readonly isWithheld: boolean;
    }
  | { readonly type: 'unanswered'; readonly kind: Kind; readonly names: readonly string[] };

/**
 * Times after which a response that a proxy has not answered no longer holds up others, and no longer counts; and after which a
 * proxy that says nothing loses its stream.
 */
const patienceMs = { late: 3_000, abandoned: 15_000, silent: 30_000 } as const;

const silence = `the proxy has answered nothing for ${patienceMs.silent / 1000} s; it gets all that it lacks when it returns`;

/** A proxy's stream that has been let in. */
export interface Session {
  readonly caller: Caller;
  /** Takes a message of the proxy. */
  receive(request: DiscoveryRequest): void;
  /** Replaces the secrets of the proxy. */
  useSecrets(secrets: readonly Resource[]): void;
  /** Returns whether the proxy has accepted its secrets, or uses none. */
  readonly holdsSecrets: () => boolean;
  readonly isInSync: () => boolean;
  close(): void;
}

interface SessionOptions {
  readonly connection: AdsConnection;
  readonly caller: Caller;
  readonly catalog: Catalog;
  readonly secrets: readonly Resource[];
  readonly report: (event: SessionEvent) => void;
  readonly write: (response: DiscoveryResponse) => Message;
  /** Calls the function after a time, and returns a function that prevents it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
}

/** Creates the session of a proxy. Its first message says what the proxy was injected with. */
export function createSession({
  connection,
  caller,
  catalog,
  report,
  write,
  after,
  ...first
}: SessionOptions): Session {
  let { secrets } = first;
  const stream = createStream<ShelvedResource>();
  const timers = new Map<Kind, { readonly nonce: string; readonly cancel: () => void }>();
  let member: Member | undefined;
  let isClosed = false;
  /** Prevents the end of the stream, if the proxy has something to answer. */
  let cancelSilence: (() => void) | undefined;

  function act(outputs: readonly Output<ShelvedResource>[]): void {
    for (const output of outputs) {
      if (output.type === 'send') send(output);
      else tell(output);
    }
    if (stream.isInSync()) listen();
    else cancelSilence ??= after(patienceMs.silent, () => connection.end('unavailable', silence));
  }

  /** Begins anew to wait for the proxy. */
  function listen(): void {
    cancelSilence?.();
    cancelSilence = undefined;
  }

  function tell(output: Observation<ShelvedResource>): void {
    switch (output.type) {
      case 'held':
        member?.accepted(output.kind, output.name, output.version);
        break;
      case 'accepted':
        for (const [name, resource] of output.sent)
          if (resource !== undefined) member?.accepted(output.kind, name, resource.version);
        report({ type: 'accepted', kind: output.kind, count: output.sent.size });
        break;
      case 'rejected': {
        const { kind, name, version, owner } = output.resource;
        const isWithheld = member?.rejected(output.resource) === true;
        report({ type: 'rejected', kind, name, version, owner, text: output.text, isWithheld });
        break;
      }
      case 'unanswered':
        report(output);
    }
  }

  function send({ kind, nonce, resources, removed }: Response<ShelvedResource>): void {
    const own = resources.filter(isOwn);
    const shared = own.length === 0 ? resources : resources.filter((resource) => !isOwn(resource));
    connection.send(write({ typeUrl: typeUrl(kind), nonce, shared, own, removed }));
    const schedule = (milliseconds: number, action: () => void): void => {
      timers.get(kind)?.cancel();
      timers.set(kind, { nonce, cancel: after(milliseconds, action) });
    };
    schedule(patienceMs.late, () => {
      schedule(patienceMs.abandoned - patienceMs.late, () => act(stream.abandon(kind, nonce)));
      act(stream.late(kind, nonce));
    });
  }

  function join({ node }: DiscoveryRequest): string | undefined {
    if (node === undefined) return 'the first request has no node';
    const self = { address: connection.peerAddress, name: caller.podName, namespace: caller.namespace };
    const traffic = readTrafficMetadata(node.metadata, self);
    if (traffic === undefined) return 'the node has no metadata of the injector: the pod must be injected in mode mesh';
    member = catalog.join(traffic, node.build, {
      ...stream,
      party: caller.namespace,
      changed(changes: Changes) {
        if (member !== undefined) act(stream.aim(member.target, changes));
      },
    });
    member.useSecrets(secrets);
    act(stream.aim(member.target));
    return undefined;
  }

  return {
    caller,
    receive(request) {
      if (isClosed) return;
      listen();
      const problem = member === undefined ? join(request) : undefined;
      if (problem !== undefined) {
        connection.end('invalid', problem);
        return;
      }
      const kind = kindOf(request.typeUrl);
      // Envoy also asks for kinds that nothing refers to, if its bootstrap says so; ours does not.
      if (kind === undefined) {
        connection.end('invalid', `resources of the type ${request.typeUrl} are not served`);
        return;
      }
      const { subscribe, unsubscribe, initialVersions, nonce, rejection } = request;
      const asked: Request = { kind, subscribe, unsubscribe, initialVersions, nonce, rejection };
      if (timers.get(kind)?.nonce === nonce) timers.get(kind)?.cancel();
      for (const observation of stream.receive(asked)) tell(observation);
      act(stream.next());
      member?.moved();
    },
    useSecrets(renewed) {
      secrets = renewed;
      if (member !== undefined) act(stream.aim(member.target, member.useSecrets(renewed)));
    },
    holdsSecrets() {
      if (member === undefined) return false;
      return [...member.target.secret.keys()].every((name) => {
        const held = stream.holds('secret', name);
        return held === undefined ? stream.isReady() : held === member?.target.secret.get(name)?.version;
      });
    },
    isInSync: () => stream.isInSync() && member?.isHeldUp() !== true,
    close() {
      isClosed = true;
      listen();
      for (const { cancel } of timers.values()) cancel();
      member?.leave();
    },
  };
}
