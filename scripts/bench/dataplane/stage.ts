import { startAgent, type Agent } from '../../../test/support/network/agent.ts';
import { addresses, createPodNamespace, type PodNamespace } from '../../../test/support/network/pod-namespace.ts';
import { startSidecar, type Sidecar, type Variant } from './sidecar.ts';

/** Which of the two pods of a conversation have a sidecar. */
export type Sides = 'none' | 'server' | 'both';

/** A way from a client to a server. */
export interface Passage {
  readonly client: Agent;
  /** The proxies on the way. */
  readonly sidecars: readonly Pick<Sidecar, 'pid'>[];
  /** Of the answer whose cost is measured. */
  readonly url: string;
  close(): Promise<void>;
}

/** A client pod and a server pod on one link, each with a sidecar or without. */
export interface Stage extends Passage {
  readonly sidecars: readonly Sidecar[];
  /** Answers when so many ask at once. */
  gather(count: number): string;
}

export const answerBytes = 1_024;

/** Serves the answer whose cost is measured, and one that many ask for at once. */
export async function serve(server: Agent): Promise<void> {
  const headers = { 'content-type': 'text/plain', 'content-length': String(answerBytes) };
  const answer = { status: 200, headers, body: 'x'.repeat(answerBytes) };
  await server.listen({ kind: 'http', port: 8080, answer });
  await server.listen({ kind: 'http', port: 8081 });
}

function placeOf(namespace: PodNamespace, place: 'pod' | 'cluster', agent: Agent) {
  return { namespace: namespace.name[place], ip: addresses[place].v4, agent };
}

/** Two namespaces with client and server; whoever opens it closes it. */
export async function openStage(label: string, sides: Sides, binary: string, variant: Variant): Promise<Stage> {
  const namespace = createPodNamespace(label);
  const opened: { stop(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const one of opened.toReversed()) await one.stop();
    namespace.remove();
  };
  try {
    const agents = {
      pod: await startAgent(namespace.name.pod, 1000),
      cluster: await startAgent(namespace.name.cluster, 1000),
    };
    opened.push(agents.pod, agents.cluster);
    await serve(agents.pod);
    const places = ({ none: [], server: ['pod'], both: ['pod', 'cluster'] } as const)[sides];
    const sidecars: Sidecar[] = [];
    for (const place of places) {
      const sidecar = await startSidecar(placeOf(namespace, place, agents[place]), binary, variant);
      sidecars.push(sidecar);
      opened.push(sidecar);
    }
    const host = addresses.pod.v4;
    return {
      client: agents.cluster,
      sidecars,
      url: `http://${host}:8080/`,
      gather: (count) => `http://${host}:8081/gather?count=${count}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
