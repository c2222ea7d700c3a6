import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import { istioObject } from './object.ts';

/**
 * Endpoints are picked by a hash, and what is hashed is the same text in every part of a call, so that the same one is picked by all proxies; or the
 * address that was dialled is called.
 */
const hashed = fc
  .constantFrom<JsonObject>(
    { httpHeaderName: 'x-shard' },
    { httpHeaderName: 'x-shard', maglev: { tableSize: 251 } },
    { httpHeaderName: 'x-shard', ringHash: { minimumRingSize: 64 } },
    { httpQueryParameterName: 'shard' },
    { httpCookie: { name: 'shard', ttl: '0s' } },
    { useSourceIp: true },
    { useSourceIp: true, maglev: { tableSize: 251 } },
  )
  .map((consistentHash): JsonObject => ({ loadBalancer: { consistentHash } }));
const picked = fc.oneof(
  { weight: 12, arbitrary: hashed },
  { weight: 1, arbitrary: fc.constant<JsonObject>({ loadBalancer: { simple: 'PASSTHROUGH' } }) },
);
const ofPort = fc
  .tuple(fc.constantFrom(80, 81), picked)
  .map(([number, policy]): JsonObject => ({ port: { number }, ...policy }));
const policy = fc.tuple(picked, fc.option(ofPort, { nil: undefined })).map(([all, one]): JsonObject => ({
  ...all,
  // Of a destination that names no port, Istio does not look at what its rule says of the port.
  ...(one === undefined || leavesItToClient(all) ? {} : { portLevelSettings: [one] }),
}));
const anyPolicy = fc.option(policy, { nil: undefined });

function leavesItToClient(policy: JsonObject): boolean {
  return JSON.stringify(policy).includes('PASSTHROUGH');
}

function withPolicy(trafficPolicy: JsonObject | undefined): JsonObject {
  return trafficPolicy === undefined ? {} : { trafficPolicy };
}

/** How the Services are called. */
export const destinationRules = fc.tuple(policy, anyPolicy, anyPolicy, picked).map(([all, one, other, ratings]) => {
  // Under a rule that says so, Istio leaves it to the client, whatever a subset says.
  const [v1, v2] = leavesItToClient(all) ? [] : [one, other];
  return [
    istioObject('DestinationRule', 'reviews', {
      host: 'reviews',
      ...withPolicy(all),
      subsets: [
        { name: 'v1', labels: { version: 'v1' }, ...withPolicy(v1) },
        { name: 'v2', labels: { version: 'v2' }, ...withPolicy(v2) },
      ],
    }),
    istioObject('DestinationRule', 'ratings', { host: 'ratings', ...withPolicy(ratings) }),
  ];
});
