import { setTimeout as pause } from 'node:timers/promises';
import type { Agent, LoadReport } from '../network/agent.ts';

/** So many requests are made while something happens of which no request may fail. */
export const manyRequests = 10_000;

/** Clients of one load: with more, the proxies and not the clients decide how long it takes. */
const clients = 16;

/**
 * Has clients of a pod ask all the time while something happens, again and again until so many requests are over, and for half a
 * second more, in which the last of it shows.
 */
export async function underLoad(agent: Agent, url: string, happen: () => Promise<void>): Promise<LoadReport> {
  await agent.startLoad({ url, clients });
  try {
    do await happen();
    while ((await agent.countLoad()) < manyRequests);
    await pause(500);
  } catch (error) {
    await agent.stopLoad();
    throw error;
  }
  return agent.stopLoad();
}

/** Has something happen once under such a load, which goes on until so many requests are over. */
export function underLoadOnce(agent: Agent, url: string, happen: () => Promise<void>): Promise<LoadReport> {
  let hasHappened = false;
  return underLoad(agent, url, async () => {
    if (hasHappened) await pause(100);
    else await happen();
    hasHappened = true;
  });
}
