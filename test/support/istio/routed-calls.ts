import * as fc from '../fast-check.ts';
import { some } from './random-members.ts';
import { services } from './called-services.ts';
import { drawHeaders, shareHeader } from './decided-routes.ts';
import { percentages } from './random-forwarding.ts';
import type { Call } from './requests.ts';

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

/** Numbers on both sides of each share in millionths. */
const draw = fc.constantFrom(
  ...new Set(percentages.flatMap((percent) => [percent * 10_000 - 1, percent * 10_000]).filter((one) => one >= 0)),
);

/** Who calls, and also what every hash is made of. */
const source = fc.nat({ max: 9 }).map((last) => `10.9.0.${last}`);

function addressOf(service: string): string {
  const found = services.find(({ name }) => name === service);
  if (found === undefined) throw new Error(`there is no Service ${service}`);
  return found.address;
}

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
      'content-type': fc.constantFrom('text/plain', 'application/grpc'),
    }),
    proto: fc.constantFrom(undefined, 'http', 'https'),
    source,
    draws: fc.record({ delay: draw, abort: draw, mirror: draw }),
    share: fc.nat({ max: 299 }),
    isHttp2: fc.boolean(),
    patience,
  })
  .map(({ service, port, name, headers: some, patience: how, proto, path, source, draws, share, ...call }) => ({
    ...call,
    path: `${path}${path.includes('?') ? '&' : '?'}shard=${source}`,
    service,
    port: service === 'ratings' ? 80 : port,
    host: name === ':80' ? `${service}:${port}` : `${service}${name}`,
    headers: {
      ...(proto === undefined ? {} : { 'x-forwarded-proto': proto, 'x-has-proto': '1' }),
      ...(some as Record<string, string>),
      // Of a timeout, gRPC is told otherwise than by Istio's proxies.
      ...(some['content-type'] === 'application/grpc' && 'x-wait' in how ? {} : how),
      'x-shard': source,
      [shareHeader]: String(share),
      [drawHeaders.delay]: String(draws.delay),
      [drawHeaders.abort]: String(draws.abort),
      [drawHeaders.request_mirror_policies]: String(draws.mirror),
      cookie: `shard=${source}`,
    },
    connection: { source, dialled: `${addressOf(service)}:${service === 'ratings' ? 80 : port}` },
  }));
