import { isObject, member, parseJson, stringMember } from '../json/json.ts';
import type { Answers } from '../mesh/identity/root-rotation.ts';
import { compareKnowledge, readKnowledge, type Comparison, type Knowledge } from '../mesh/serve/knowledge.ts';
import type { IdentityProgress } from '../mesh/serve/workload-certificates.ts';
import type { World } from '../mesh/world/world.ts';

/** Page of the metrics port that says what a replica knows. */
export const knowledgePath = '/world';

/** Page of the metrics port that says how many proxies hold which identity. */
export const identityPath = '/identity';

const roundMs = 10_000;
const timeoutMs = 2_000;

/** Longest answer of a peer. */
const answerLimit = 16_384;

/** Returns the addresses of the control plane's Service, this replica's own among them. */
export function peerAddresses(world: World, service: string): readonly string[] {
  const slices = [...(world.slicesOfService.get(service) ?? [])].flatMap((key) => world.slice.get(key) ?? []);
  return [...new Set(slices.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)))];
}

/** Where the replicas of a control plane serve their pages. */
export interface Replicas {
  readonly addresses: readonly string[];
  readonly port: number;
}

/** Asks a peer for a page. Undefined if it does not answer as it should. */
export async function askPeer<T>(
  address: string,
  port: number,
  path: string,
  read: (text: string) => T | undefined,
): Promise<T | 'starting' | undefined> {
  const host = address.includes(':') ? `[${address}]` : address;
  try {
    const answer = await fetch(`http://${host}:${port}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status === 503) return 'starting';
    const text = answer.ok ? await answer.text() : '';
    return text.length > answerLimit ? undefined : read(text);
  } catch {
    // A replica that is away cannot know more than this one.
    return undefined;
  }
}

/** The same for pages of which a replica that is starting has nothing to say. */
async function ask<T>(...what: Parameters<typeof askPeer<T>>): Promise<T | undefined> {
  const said = await askPeer(...what);
  return said === 'starting' ? undefined : said;
}

function readProgress(text: string): IdentityProgress | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  const [id, proxies, holding] = [stringMember(body, 'id'), member(body, 'proxies'), member(body, 'holding')];
  return id === undefined || typeof proxies !== 'number' || typeof holding !== 'number'
    ? undefined
    : { id, proxies, holding };
}

/** Asks all peers once how far they are, and adds this replica. */
export async function askAnswers(options: {
  readonly addresses: readonly string[];
  /** Port at which each of them serves `identityPath`. */
  readonly port: number;
  readonly own: () => IdentityProgress;
}): Promise<Answers> {
  const asked = options.addresses.map((address) => ask(address, options.port, identityPath, readProgress));
  const said = await Promise.all(asked);
  const own = options.own();
  const all = [own, ...said.filter((one) => one !== undefined)];
  const sum = (count: (one: IdentityProgress) => number): number => all.reduce((total, one) => total + count(one), 0);
  return {
    proxies: sum(({ proxies }) => proxies),
    // Whoever gives out something else has yet to read the Secret.
    holding: sum(({ id, holding }) => (id === own.id ? holding : 0)),
    silentReplicas: said.filter((one) => one === undefined).length,
  };
}

/** Asks all peers once, and compares. Without peers that answer, nothing differs. */
export async function askPeers(options: {
  readonly addresses: readonly string[];
  /** Port at which each of them serves `knowledgePath`. */
  readonly port: number;
  readonly own: () => Knowledge;
}): Promise<Comparison> {
  const answers = await Promise.all(
    options.addresses.map((address) => ask(address, options.port, knowledgePath, readKnowledge)),
  );
  return compareKnowledge(
    options.own(),
    answers.filter((answer) => answer !== undefined),
  );
}

/** Compares all the time. Returns what the last round found, and a function that ends the rounds. */
export function watchPeers(
  compare: () => Promise<Comparison>,
  onDivergence: (kinds: readonly string[]) => void,
): { readonly last: () => Comparison; stop(): void } {
  let last: Comparison = { behind: [], divergent: [] };
  let isAsking = false;
  async function round(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const before = last.divergent.join();
    last = await compare();
    isAsking = false;
    if (last.divergent.length > 0 && last.divergent.join() !== before) onDivergence(last.divergent);
  }
  const timer = setInterval(() => void round(), roundMs).unref();
  return { last: () => last, stop: () => clearInterval(timer) };
}
