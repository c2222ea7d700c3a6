import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Order } from './attacker.ts';
import type { AttackName } from './attacks.ts';

/** How often attackers met what. */
export type Tally = Readonly<Record<string, number>>;

const program = path.join(import.meta.dirname, 'attacker.ts');

/** Plays the attack in a process of its own, which ends when the time is over or this process does. */
export async function attack(name: AttackName, order: Order): Promise<Tally> {
  const child = fork(program, [name], { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const ended = once(child, 'exit');
  let met: Tally | undefined;
  child.once('message', (tally) => (met = tally as Tally));
  child.send(order);
  const [code] = (await ended) as [number | null];
  if (met === undefined) throw new Error(`the attacker (${name}) ended early, with exit code ${code}`);
  if (Object.keys(met).length === 0) throw new Error(`the attacker (${name}) reached nothing`);
  return met;
}
