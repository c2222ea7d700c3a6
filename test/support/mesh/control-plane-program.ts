// A control plane for tests: what the API server would say comes as lines of JSON on standard input, events go to standard output.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { KeyedCertificate } from '../../../src/certs/authority.ts';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Caller } from '../../../src/mesh/identity/caller.ts';
import { noPeers } from '../../../src/mesh/serve/mode-reports.ts';
import { defaultStreamLimits, type StreamLimits } from '../../../src/mesh/serve/admission.ts';
import { defaultStrangerLimits } from '../../../src/mesh/serve/connection-gate.ts';
import { startControlPlane, type RunningControlPlane } from '../../../src/mesh/serve/control-plane.ts';
import { systemTimers } from '../../../src/mesh/serve/timers.ts';
import { rootAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import { openRoot, rotateAnnotation, type RootKeeper } from '../../../src/mesh/identity/root-keeper.ts';
import type { RootState } from '../../../src/mesh/identity/root-rotation.ts';
import { createWorkloadIdentity } from '../../../src/mesh/identity/workload-identity.ts';
import { createStoredSecret } from './stored-secret.ts';
import { eventOf } from './world-events.ts';

/** A line on standard input. */
export type Command =
  | { readonly type: 'set' | 'delete'; readonly objects: readonly JsonObject[] }
  | { readonly type: 'token'; readonly token: string; readonly caller: Caller }
  /** Gives every proxy a new certificate. */
  | { readonly type: 'renew' }
  /** Edits the Secrets of the mesh's authority as people do. */
  | { readonly type: 'rotate'; readonly request: string }
  | { readonly type: 'give'; readonly data: Readonly<Record<string, string>> }
  | { readonly type: 'sync' }
  /** Takes no new streams any more, because of what is said. */
  | { readonly type: 'pause'; readonly reason: string };

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const [, , address = '', stateFile = '', limits = '{}'] = process.argv;
const now = new Date();
const day = 24 * 60 * 60 * 1000;

/** What survives a restart. */
export interface Authorities {
  readonly own: KeyedCertificate;
  /** The first authority of the mesh. */
  readonly mesh: KeyedCertificate;
  /** The Secret of the mesh's authority. */
  readonly root: Readonly<Record<string, string>>;
}

/** Times of a rotation that nobody has to wait for: as long as it takes that all proxies have answered, but for two seconds. */
const moments = { leastMs: 2_000, mostMs: 60_000 };
const policy = { roundMs: 100, arrivalMs: 0, lifetimeMs: day, rotateAt: 2 / 3, usual: moments, urgent: moments };

/** The authorities of the last start: a control plane that comes back is the same to its proxies. */
function readState(): Authorities {
  if (existsSync(stateFile)) return JSON.parse(readFileSync(stateFile, 'utf8')) as Authorities;
  const mesh = createEllipticAuthority({ name: 'mesh', now, lifetimeMs: day });
  const state = {
    own: createEllipticAuthority({ name: 'control-plane', now, lifetimeMs: day }),
    mesh,
    root: { 'ca.crt': mesh.certificate, 'ca.key': mesh.privateKey },
  };
  writeFileSync(stateFile, JSON.stringify(state), { mode: 0o600 });
  return state;
}

const authorities = readState();
const { own } = authorities;
const secret = createStoredSecret(authorities.root);
const given = createStoredSecret({});
const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
const callers = new Map<string, Caller>();

let controlPlane: RunningControlPlane | undefined;
let pausedBy: string | undefined;

function useState(state: RootState, reason: string): void {
  controlPlane?.useIdentity(createWorkloadIdentity(state, () => keeper.times()));
  writeFileSync(stateFile, JSON.stringify({ ...authorities, root: secret.data() }), { mode: 0o600 });
  say({ type: 'root', phase: state.phase, generation: state.generation, reason });
}

const keeper: RootKeeper = await openRoot({
  store: secret.store,
  secret: 'root',
  given: given.store,
  givenSecret: 'given',
  clock: () => new Date(),
  steadyMs: systemTimers.nowMs,
  policy,
  create: (at) => rootAuthority(createEllipticAuthority({ name: 'mesh', now: at, lifetimeMs: day })),
  answers: () => Promise.resolve({ proxies: 0, holding: 0, ...controlPlane?.identityProgress(), silentReplicas: 0 }),
  onState: useState,
});

controlPlane = await startControlPlane({
  host,
  port: Number(port),
  limits: { ...defaultStreamLimits, ...(JSON.parse(limits) as Partial<StreamLimits>) },
  strangers: defaultStrangerLimits,
  pausedBy: () => pausedBy,
  domains: { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' },
  pair: createLeafIssuer(own).issue({ names: { ips: [host] }, now, lifetimeMs: day }),
  identity: createWorkloadIdentity(keeper.state(), () => keeper.times()),
  authenticator: {
    authenticate: (token) => Promise.resolve(callers.get(token) ?? { refused: 'the token is not known' }),
  },
  clock: () => new Date(),
  timers: systemTimers,
  random: Math.random,
  report: (event, caller) => say({ ...event, pod: caller.podName }),
  refused: (resource, owner) => say({ type: 'refused', owner, ...resource }),
  noticed: (service, notices) => say({ type: 'noticed', service, notices }),
  peerReports: () => noPeers,
  stepped: (pod, change, isOverdue) => say({ type: 'stepped', pod, waitsFor: change?.waitsFor, isOverdue }),
  converged: (milliseconds) => say({ type: 'converged', milliseconds }),
  turnedAway: (peerAddress, reason) => say({ type: 'turned-away', peerAddress, reason }),
  declined: (peerAddress, reason) => say({ type: 'declined', peerAddress, reason }),
  connectionCut: () => say({ type: 'cut' }),
  connectionFailed: (error) => say({ type: 'failed', text: error.message }),
  certificateFailed: (error) => say({ type: 'failed', text: String(error) }),
  lost: (services) => say({ type: 'lost', services }),
  settled: (removals) => say({ type: 'settled', removals }),
});
setInterval(() => void keeper.look(), policy.roundMs).unref();
process.once('SIGTERM', () => {
  void controlPlane?.stop().then(() => process.exit(0));
});
say({ type: 'listening', port: controlPlane.port, roots: own.certificate });

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  if (command.type === 'token') callers.set(command.token, command.caller);
  else if (command.type === 'renew') controlPlane.renewAll();
  else if (command.type === 'rotate') secret.annotate({ [rotateAnnotation]: command.request });
  else if (command.type === 'give') given.put(command.data);
  else if (command.type === 'pause') pausedBy = command.reason;
  else if (command.type === 'sync')
    say({ type: 'sessions', inSync: [...controlPlane.sessions].map((one) => [one.caller.podName, one.isInSync()]) });
  // Nothing is held back here: tests delete without a word, as nobody does who deletes in order.
  else controlPlane.catalog.apply(command.objects.map((object) => eventOf(object, command.type === 'set')));
}
await controlPlane.stop();
