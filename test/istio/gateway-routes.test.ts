import { expect, test } from '@jest/globals';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../../src/json/json.ts';
import { translateGatewayRoutes } from '../../src/mesh/plan/gateway-routes.ts';
import type { Destination, NamedMatch, PathMatch, RouteRule, TextMatch } from '../../src/mesh/plan/route-plan.ts';
import { readService, type Service } from '../../src/mesh/world/service.ts';
import { grantsOf, routeContext, routesOf } from '../support/mesh/route-objects.ts';
import { readGatewayGoldens, type GatewayGolden } from '../support/istio/gateway-goldens.ts';

/*
 * What Istio makes of routes of Gateway API, in the data of its own tests, beside what is made of them here: the order of the rules, what
 * they compare, and where requests go. Every route is attached to a Service, because Gateways are nobody's business here.
 */

type Summary = readonly string[];

/** All that the goldens name. */
const ports = [80, 81, 85, 86, 87, 8000, 8080, 9090, 34_000].map((port) => ({ name: `http-${port}`, port }));

function summaryOf(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts)
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${name} ${text}`)
    .join(', ');
}

function textOf(match: TextMatch | PathMatch | undefined): string {
  if (match === undefined || match.type === 'present') return '';
  const value = match.value.replaceAll(/\(\?:(?<inner>[^()|]*)\)/g, '$<inner>');
  return `${match.type === 'segments' ? 'prefix' : match.type} ${value === '' ? '/' : value}`;
}

function namedOf(matches: readonly NamedMatch[]): string {
  return matches
    .map(({ name, match }) => `${name}: ${textOf(match)}`)
    .toSorted()
    .join(' & ');
}

function destinationsOf(destinations: readonly Destination[]): string {
  const all = destinations.flatMap(({ backend }) => (backend === undefined ? [] : [`${backend.host}:${backend.port}`]));
  return all.toSorted().join(' + ');
}

/** Istio takes the name of a rule as it stands. */
function nameOf(name: string): string {
  const last = name.split('/').at(-1) ?? '';
  return /^\d+$/.test(last) ? name.replaceAll('/', '.') : last;
}

function ours({ name, match, action }: RouteRule): string {
  const path = textOf(match.path);
  return summaryOf({
    rule: nameOf(name),
    path: path === 'prefix /' ? '' : path,
    method: textOf(match.method),
    headers: namedOf(match.headers),
    query: namedOf(match.query),
    to: action.type === 'forward' ? destinationsOf(action.destinations) : '',
    redirect: action.type === 'redirect' ? `${action.status} ${action.authority ?? ''}` : '',
  });
}

function istioText(match: JsonObject | undefined): string {
  const [type = ''] = Object.keys(match ?? {});
  return match === undefined ? '' : `${type} ${stringMember(match, type) ?? ''}`;
}

function istioNamed(matches: JsonObject | undefined): string {
  return Object.entries(matches ?? {})
    .map(([name, match]) => `${name.toLowerCase()}: ${isObject(match) ? istioText(match) : ''}`)
    .toSorted()
    .join(' & ');
}

function istios(route: JsonObject): string {
  const [match] = objectsMember(route, 'match');
  const destinations = objectsMember(route, 'route').flatMap((one) => {
    const destination = objectMember(one, 'destination');
    const host = stringMember(destination, 'host');
    return host === undefined ? [] : [`${host}:${Number(member(objectMember(destination, 'port'), 'number'))}`];
  });
  const redirect = objectMember(route, 'redirect');
  const path = istioText(objectMember(match, 'uri'));
  return summaryOf({
    rule: stringMember(route, 'name') ?? '',
    path: path === 'prefix /' ? '' : path,
    method: istioText(objectMember(match, 'method')),
    headers: istioNamed(objectMember(match, 'headers')),
    query: istioNamed(objectMember(match, 'queryParams')),
    to: destinations.toSorted().join(' + '),
    redirect:
      redirect === undefined
        ? ''
        : `${Number(member(redirect, 'redirectCode') ?? 302)} ${stringMember(redirect, 'authority') ?? ''}`,
  });
}

/** The route with a Service among its parents, which a route of Gateways only does not have. */
function attached(route: JsonObject): JsonObject {
  const spec = objectMember(route, 'spec') ?? {};
  const parentRefs = [...objectsMember(spec, 'parentRefs'), { group: '', kind: 'Service', name: 'called' }];
  return { ...route, spec: { ...spec, parentRefs } };
}

interface Translation {
  readonly rules: Summary;
  /** Whether a backend is of a kind that only Istio knows. */
  readonly isBeyond: boolean;
}

function translate({ host, routes, grants }: GatewayGolden): Translation {
  const [name = '', namespace = ''] = host.split('.');
  const context = {
    ...routeContext,
    service: { ...routeContext.service, name, namespace },
    serviceAt: (namespace: string, name: string) =>
      readService({ metadata: { namespace, name }, spec: { clusterIP: '10.96.0.1', ports } }),
    hostOf: ({ name, namespace }: Service) => `${name}.${namespace}.svc.domain.suffix`,
  };
  const { rules, findings } = translateGatewayRoutes(routesOf(routes.map(attached)), context, grantsOf(grants));
  const isBeyond = [...findings.values()].flat().some(({ code }) => code === 'InvalidKind');
  return { rules: rules.map(ours), isBeyond };
}

const goldens = await readGatewayGoldens();

(goldens === undefined ? test.skip : test)('the same rules, where both know the backends', () => {
  const all = (goldens ?? []).map((golden) => ({
    name: golden.name,
    istio: golden.http.map(istios),
    ...translate(golden),
  }));
  const compared = all.filter(({ isBeyond }) => !isBeyond);
  expect(compared.map(({ name, rules }) => [name, rules])).toEqual(compared.map(({ name, istio }) => [name, istio]));
  expect(compared.length).toBeGreaterThan(50);
  const files = all.filter(({ isBeyond }) => isBeyond).map(({ name }) => name.split(' ')[0] ?? '');
  expect([...new Set(files)].toSorted()).toEqual([
    'http.yaml',
    'invalid.yaml',
    'reference-policy-inferencepool.yaml',
    'serviceentry.yaml',
  ]);
});
