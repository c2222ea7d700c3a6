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
  readonly ended: Promise<(string | undefined)[][]>;
}

let load: Load | undefined;

/** One client keeps one connection; when the server has closed it, the next one goes to the present address. */
async function runClient(state: Pick<Load, 'url' | 'isOver'>): Promise<(string | undefined)[]> {
  const results: (string | undefined)[] = [];
  let { url } = state;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (!state.isOver) {
    // The agent forgets a connection that the server has closed or said it will close.
    if (url !== state.url && Object.keys(agent.freeSockets).length === 0) url = state.url;
    results.push(await failureOf(url, agent));
    // Connections are handed back after this turn.
    await pause(1);
  }
  agent.destroy();
  return results;
}

export const startLoad: AgentCalls['startLoad'] = ({ url, clients }) => {
  const state = { url, isOver: false };
  const ended = Promise.all(Array.from({ length: clients }, () => runClient(state)));
  load = Object.assign(state, { ended });
  return Promise.resolve(null);
};

function running(): Load {
  if (load === undefined) throw new Error('there is no load');
  return load;
}

export const redirectLoad: AgentCalls['redirectLoad'] = ({ url }) => {
  running().url = url;
  return Promise.resolve(null);
};

export const stopLoad: AgentCalls['stopLoad'] = async () => {
  const state = running();
  state.isOver = true;
  const results = await state.ended;
  load = undefined;
  return reportOf(results.flat());
};
