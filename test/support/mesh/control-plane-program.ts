// A control plane for tests: what the API server would say comes as lines of JSON on standard input, events go to standard output.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { KeyedCertificate } from '../../../src/certs/authority.ts';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Caller } from '../../../src/mesh/identity/caller.ts';
import { defaultStreamLimits, type StreamLimits } from '../../../src/mesh/serve/admission.ts';
import { defaultStrangerLimits } from '../../../src/mesh/serve/connection-gate.ts';
import { startControlPlane, type RunningControlPlane } from '../../../src/mesh/serve/control-plane.ts';
import { readEndpointSlice } from '../../../src/mesh/world/endpoint-slice.ts';
import { keyOf } from '../../../src/kubernetes/object-key.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import type { WorldEvent } from '../../../src/mesh/world/world.ts';

/** A line on standard input. */
export type Command =
  | { readonly type: 'set' | 'delete'; readonly objects: readonly JsonObject[] }
  | { readonly type: 'token'; readonly token: string; readonly caller: Caller }
  /** Gives every proxy a new certificate. */
  | { readonly type: 'renew' }
  | { readonly type: 'sync' };

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function eventOf(object: JsonObject, isSet: boolean): WorldEvent {
  const key = keyOf(object);
  switch (object['kind'] as string) {
    case 'Service':
      return { kind: 'service', key, value: isSet ? readService(object) : undefined };
    case 'EndpointSlice':
      return { kind: 'slice', key, value: isSet ? readEndpointSlice(object) : undefined };
    default:
      return { kind: 'pod', key, value: isSet ? readPod(object) : undefined };
  }
}

const [, , address = '', stateFile = '', limits = '{}'] = process.argv;
const now = new Date();
const day = 24 * 60 * 60 * 1000;

interface State {
  readonly own: KeyedCertificate;
  readonly mesh: KeyedCertificate;
}

/** The authorities of the last start: a control plane that comes back is the same to its proxies. */
function readState(): State {
  if (existsSync(stateFile)) return JSON.parse(readFileSync(stateFile, 'utf8')) as State;
  const state = {
    own: createEllipticAuthority({ name: 'control-plane', now, lifetimeMs: day }),
    mesh: createEllipticAuthority({ name: 'mesh', now, lifetimeMs: day }),
  };
  writeFileSync(stateFile, JSON.stringify(state), { mode: 0o600 });
  return state;
}

const { own, mesh } = readState();
const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
const callers = new Map<string, Caller>();

const controlPlane: RunningControlPlane = await startControlPlane({
  host,
  port: Number(port),
  limits: { ...defaultStreamLimits, ...(JSON.parse(limits) as Partial<StreamLimits>) },
  strangers: defaultStrangerLimits,
  pausedBy: () => undefined,
  domains: { cluster: 'cluster.local', trust: 'cluster.local' },
  pair: createLeafIssuer(own).issue({ names: { ips: [host] }, now, lifetimeMs: day }),
  authority: mesh,
  roots: mesh.certificate,
  authenticator: {
    authenticate: (token) => Promise.resolve(callers.get(token) ?? { refused: 'the token is not known' }),
  },
  clock: () => new Date(),
  random: Math.random,
  report: (event, caller) => say({ ...event, pod: caller.podName }),
  refused: (resource, owner) => say({ type: 'refused', owner, ...resource }),
  turnedAway: (peerAddress, reason) => say({ type: 'turned-away', peerAddress, reason }),
  declined: (peerAddress, reason) => say({ type: 'declined', peerAddress, reason }),
  connectionCut: () => say({ type: 'cut' }),
  connectionFailed: (error) => say({ type: 'failed', text: error.message }),
  lost: (services) => say({ type: 'lost', services }),
  settled: (removals) => say({ type: 'settled', removals }),
});
say({ type: 'listening', port: controlPlane.port, roots: own.certificate });

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  if (command.type === 'token') callers.set(command.token, command.caller);
  else if (command.type === 'renew') controlPlane.renewAll();
  else if (command.type === 'sync')
    say({ type: 'sessions', inSync: [...controlPlane.sessions].map((one) => [one.caller.podName, one.isInSync()]) });
  // Nothing is held back here: tests delete without a word, as nobody does who deletes in order.
  else controlPlane.catalog.apply(command.objects.map((object) => eventOf(object, command.type === 'set')));
}
await controlPlane.stop();
