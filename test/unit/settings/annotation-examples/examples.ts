import type { Examples } from './example.ts';
import { additions } from './additions.ts';
import { agent } from './agent.ts';
import { identity } from './identity.ts';
import { metrics } from './metrics.ts';
import { proxy } from './proxy.ts';
import { resources } from './resources.ts';
import { selection } from './selection.ts';
import { traffic } from './traffic.ts';

/** An example for every row of the annotation table. */
export const examples: Examples = {
  ...selection,
  ...proxy,
  ...resources,
  ...traffic,
  ...metrics,
  ...identity,
  ...agent,
  ...additions,
};
