import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentCalls, LoadReport } from './agent.ts';

/** Asks on a connection of the agent; undefined when the answer is 200, else what went wrong. */
async function failureOf(url: string, agent: Agent): Promise<string | undefined> {
  try {
    const request = httpRequest(url, { agent, timeout: 20_000 });
    request.on('timeout', () => request.destroy(new Error('no answer within 20 s')));
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode === 200 ? undefined : `status ${response.statusCode}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function reportOf(results: readonly (string | undefined)[]): LoadReport {
  const failures = results.filter((one) => one !== undefined);
  return { answered: results.length - failures.length, failures };
}

async function askAtOnce(url: string, count: number, agent: Agent): Promise<(string | undefined)[]> {
  return Promise.all(Array.from({ length: count }, () => failureOf(url, agent)));
}

export const askTogether: AgentCalls['askTogether'] = async ({ url, count }) =>
  reportOf(await askAtOnce(url, count, new Agent({ keepAlive: false })));

export const askInBursts: AgentCalls['askInBursts'] = async ({ url, count, gapsMs }) => {
  const agent = new Agent({ keepAlive: true });
  const results: (string | undefined)[] = [];
  for (const gapMs of [0, ...gapsMs]) {
    await pause(gapMs);
    results.push(...(await askAtOnce(url, count, agent)));
  }
  agent.destroy();
  return reportOf(results);
};

interface Load {
  url: string;
  isOver: boolean;
  answered: number;
  readonly failures: string[];
}

let load: { readonly state: Load; readonly ended: Promise<unknown> } | undefined;

/** One client keeps one connection; when the server has closed it, the next one goes to the present address. */
async function runClient(state: Load): Promise<void> {
  let { url } = state;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (!state.isOver) {
    // The agent forgets a connection that the server has closed or said it will close.
    if (url !== state.url && Object.keys(agent.freeSockets).length === 0) url = state.url;
    const failure = await failureOf(url, agent);
    if (failure === undefined) state.answered += 1;
    else state.failures.push(failure);
    // Connections are handed back after this turn.
    await pause(1);
  }
  agent.destroy();
}

export const startLoad: AgentCalls['startLoad'] = ({ url, clients }) => {
  const state: Load = { url, isOver: false, answered: 0, failures: [] };
  load = { state, ended: Promise.all(Array.from({ length: clients }, () => runClient(state))) };
  return Promise.resolve(null);
};

function running(): NonNullable<typeof load> {
  if (load === undefined) throw new Error('there is no load');
  return load;
}

export const redirectLoad: AgentCalls['redirectLoad'] = ({ url }) => {
  running().state.url = url;
  return Promise.resolve(null);
};

export const countLoad: AgentCalls['countLoad'] = () => {
  const { answered, failures } = running().state;
  return Promise.resolve(answered + failures.length);
};

export const stopLoad: AgentCalls['stopLoad'] = async () => {
  const { state, ended } = running();
  state.isOver = true;
  // Requests on their way are waited for, so that stopping fails none.
  await ended;
  load = undefined;
  const { answered, failures } = state;
  return { answered, failures };
};
