import * as fc from '../fast-check.ts';
import { some } from './random-routes.ts';
import { shareHeader, type Call } from './routed-envoy.ts';

/** Whether a request may be answered late or not at all. */
const patience = fc.oneof(
  { weight: 60, arbitrary: fc.constant<Readonly<Record<string, string>>>({}) },
  {
    weight: 12,
    arbitrary: fc.constantFrom('1:503', '2:500', '1:reset', '3:503', '1:409').map((fail) => ({ 'x-fail': fail })),
  },
  { weight: 1, arbitrary: fc.constant<Readonly<Record<string, string>>>({ 'x-wait': '1' }) },
);

const user = fc.constantFrom('ann', 'bob', 'carl');

/** A call of one of the Services. */
export interface RoutedCall extends Call {
  readonly service: 'reviews' | 'ratings';
  readonly port: 80 | 81;
}

/** A call of `reviews`, and sometimes of `ratings`, which has no routes of its own. */
export const routedCall: fc.Arbitrary<RoutedCall> = fc
  .record({
    service: fc.constantFrom(
      'reviews' as const,
      'reviews' as const,
      'reviews' as const,
      'reviews' as const,
      'ratings' as const,
    ),
    port: fc.constantFrom(80 as const, 80 as const, 81 as const),
    name: fc.constantFrom('', '', '.shop', '.shop.svc.cluster.local', ':80'),
    method: fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'OPTIONS', 'HEAD'),
    path: fc
      .tuple(
        fc.constantFrom('/', '/a', '/a/', '/a/b', '/a/b/c', '/ab', '/A', '/A/B', '/a/7', '/b'),
        fc.constantFrom('', '', '?q=ann', '?q', '?r=bob&q=ann', '?q=an&q=bob'),
      )
      .map((parts) => parts.join('')),
    headers: some({
      'x-user': user,
      'x-beta': user,
      origin: fc.constantFrom('https://a.example', 'https://c.example'),
      'access-control-request-method': fc.constantFrom('GET', 'PUT'),
    }),
    proto: fc.constantFrom(undefined, 'http', 'https'),
    shard: fc.nat({ max: 9 }),
    share: fc.nat({ max: 299 }),
    patience,
  })
  .map(({ service, port, name, headers: some, patience: how, proto, path, shard, share, ...call }) => ({
    ...call,
    path: `${path}${path.includes('?') ? '&' : '?'}shard=${shard}`,
    service,
    port: service === 'ratings' ? 80 : port,
    host: name === ':80' ? `${service}:${port}` : `${service}${name}`,
    headers: {
      ...(proto === undefined ? {} : { 'x-forwarded-proto': proto, 'x-has-proto': '1' }),
      ...(some as Record<string, string>),
      ...how,
      'x-shard': String(shard),
      [shareHeader]: String(share),
      cookie: `shard=${shard}`,
    },
  }));
