import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import { destinationRules } from './random-destination-rules.ts';
import { virtualServices } from './random-virtual-services.ts';

/*
 * Random VirtualServices and DestinationRules for the Services `reviews` and `ratings` of the namespace `shop`, and calls that may meet them: what rules
 * compare and what requests have is drawn from the same few values.
 */

/** Objects about calls of `reviews`. */
export const routeObjects: fc.Arbitrary<readonly JsonObject[]> = fc
  .tuple(virtualServices, destinationRules)
  .map(([virtual, rules]) => [...virtual, ...rules]);
