// attacker.ts ATTACK   plays one attack; its parent tells it whom, and for how long, and gets what it met
import { attackNames, attacks, type Victim } from './attacks.ts';

/** What its parent sends once. */
export interface Order extends Victim {
  readonly seconds: number;
}

const name = attackNames.find((known) => known === process.argv[2]);
if (name === undefined) throw new Error(`${process.argv[2]}: allowed are ${attackNames.join(', ')}`);
const met: Record<string, number> = {};

process.once('message', ({ seconds, ...victim }: Order) => {
  setTimeout(() => process.send?.(met, () => process.exit()), seconds * 1_000);
  void attacks[name](victim, (what) => {
    met[what] = (met[what] ?? 0) + 1;
  });
});
process.once('disconnect', () => process.exit());
