import { compareKnowledge, readKnowledge, type Comparison, type Knowledge } from '../mesh/serve/knowledge.ts';
import type { World } from '../mesh/world/world.ts';

/** Page of the metrics port that says what a replica knows. */
export const knowledgePath = '/world';

const roundMs = 10_000;
const timeoutMs = 2_000;

/** Longest answer of a peer. */
const answerLimit = 16_384;

/** Returns the addresses of the control plane's Service, this replica's own among them. */
export function peerAddresses(world: World, service: string): readonly string[] {
  const slices = [...(world.slicesOfService.get(service) ?? [])].flatMap((key) => world.slice.get(key) ?? []);
  return [...new Set(slices.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)))];
}

/** What a peer knows; undefined if it does not answer. */
async function ask(address: string, port: number): Promise<Knowledge | undefined> {
  const host = address.includes(':') ? `[${address}]` : address;
  try {
    const answer = await fetch(`http://${host}:${port}${knowledgePath}`, { signal: AbortSignal.timeout(timeoutMs) });
    const text = answer.ok ? await answer.text() : '';
    return text.length > answerLimit ? undefined : readKnowledge(text);
  } catch {
    // A replica that is away cannot know more than this one.
    return undefined;
  }
}

/** Asks all peers once, and compares. Without peers that answer, nothing differs. */
export async function askPeers(options: {
  readonly addresses: readonly string[];
  /** Port at which each of them serves `knowledgePath`. */
  readonly port: number;
  readonly own: () => Knowledge;
}): Promise<Comparison> {
  const answers = await Promise.all(options.addresses.map((address) => ask(address, options.port)));
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
