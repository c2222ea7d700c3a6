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
import { systemTimers } from '../../../src/mesh/serve/timers.ts';
import { eventOf } from './world-events.ts';

/** A line on standard input. */
export type Command =
  | { readonly type: 'set' | 'delete'; readonly objects: readonly JsonObject[] }
  | { readonly type: 'token'; readonly token: string; readonly caller: Caller }
  /** Gives every proxy a new certificate. */
  | { readonly type: 'renew' }
  | { readonly type: 'sync' };

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const [, , address = '', stateFile = '', limits = '{}'] = process.argv;
const now = new Date();
const day = 24 * 60 * 60 * 1000;

/** What survives a restart. */
export interface Authorities {
  readonly own: KeyedCertificate;
  readonly mesh: KeyedCertificate;
}

/** The authorities of the last start: a control plane that comes back is the same to its proxies. */
function readState(): Authorities {
  if (existsSync(stateFile)) return JSON.parse(readFileSync(stateFile, 'utf8')) as Authorities;
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
  domains: { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
  pair: createLeafIssuer(own).issue({ names: { ips: [host] }, now, lifetimeMs: day }),
  authority: mesh,
  roots: mesh.certificate,
  authenticator: {
    authenticate: (token) => Promise.resolve(callers.get(token) ?? { refused: 'the token is not known' }),
  },
  clock: () => new Date(),
  timers: systemTimers,
  random: Math.random,
  report: (event, caller) => say({ ...event, pod: caller.podName }),
  refused: (resource, owner) => say({ type: 'refused', owner, ...resource }),
  noticed: (service, notices) => say({ type: 'noticed', service, notices }),
  stepped: (pod, change, isOverdue) => say({ type: 'stepped', pod, waitsFor: change?.waitsFor, isOverdue }),
  converged: (milliseconds) => say({ type: 'converged', milliseconds }),
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
