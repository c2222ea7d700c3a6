import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import { answered } from './random-answers.ts';
import { forwarded } from './random-forwarding.ts';
import { match } from './random-matches.ts';
import { istioObject } from './object.ts';

const http = fc
  .array(
    fc.tuple(
      fc.array(match, { maxLength: 2 }),
      fc.oneof({ weight: 4, arbitrary: forwarded }, { weight: 1, arbitrary: answered }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) =>
    all.map(([blocks, action], index): JsonObject => ({
      name: `r${index}`,
      ...(blocks.length === 0 ? {} : { match: blocks }),
      ...(JSON.parse(JSON.stringify(action)) as JsonObject),
    })),
  );

/** Mostly one object, and sometimes a second one for the same host, older or younger, here or elsewhere. */
export const virtualServices = fc
  .tuple(
    http,
    fc.option(
      fc.record({
        http,
        namespace: fc.constantFrom('shop', 'other'),
        hosts: fc.constantFrom(['reviews.shop.svc.cluster.local'], ['*.shop.svc.cluster.local']),
        created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z', '2026-01-02T00:00:00Z'),
        exportTo: fc.constantFrom(undefined, ['*'], ['.'], ['shop'], ['other']),
        name: fc.constantFrom('a', 'z'),
      }),
      { nil: undefined, freq: 2 },
    ),
  )
  .map(([first, second]) => [
    istioObject(
      'VirtualService',
      'reviews',
      { hosts: ['reviews'], http: first },
      { creationTimestamp: '2026-01-02T00:00:00Z' },
    ),
    ...(second === undefined
      ? []
      : [
          istioObject(
            'VirtualService',
            second.name,
            JSON.parse(
              JSON.stringify({ hosts: second.hosts, http: complete(second.http), exportTo: second.exportTo }),
            ) as JsonObject,
            { creationTimestamp: second.created, namespace: second.namespace },
          ),
        ]),
  ]);

/** Names of hosts that mean the same in any namespace. */
function complete(routes: readonly JsonObject[]): readonly JsonObject[] {
  return JSON.parse(
    JSON.stringify(routes).replaceAll(/"host":"(reviews|ratings|audit)"/g, '"host":"$1.shop.svc.cluster.local"'),
  ) as JsonObject[];
}
