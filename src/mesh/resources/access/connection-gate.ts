import type { JsonObject } from '../../../json/json.ts';
import { connectionGate, type GateValue } from '../../../envoy/access-filters.ts';
import type { AccessRule, ClientAttribute, Condition, RequestAttribute } from '../../plan/access-plan.ts';
import { identityMatcher } from './identities.ts';
import { networkOf } from './networks.ts';
import { textMatcher, type TextMatcher } from './text-match.ts';

/*
 * Envoy's RBAC filter looks at a connection when its client sends something, and a server that speaks first has been heard by then. So the same
 * rules are asked once more before the application is connected, as expressions of CEL.
 */

/** Returns text as a literal of CEL, in which nothing but letters, digits and a few signs stands as it is. */
function literal(text: string): string {
  const inner = text.replaceAll(
    /[^A-Za-z0-9_./: -]/gu,
    (sign) => `\\U${(sign.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`,
  );
  return `'${inner}'`;
}

function compare(attribute: string, { type, value }: TextMatcher): string {
  switch (type) {
    case 'exact':
      return `${attribute} == ${literal(value)}`;
    case 'prefix':
      return `${attribute}.startsWith(${literal(value)})`;
    case 'suffix':
      return `${attribute}.endsWith(${literal(value)})`;
    case 'contains':
      return `${attribute}.contains(${literal(value)})`;
    case 'regex':
      return `${attribute}.matches(${literal(`^(?:${value})$`)})`;
  }
}

const identity = 'connection.uri_san_peer_certificate';
const serverName = 'connection.requested_server_name';

/** Addresses whose ranges are compared: Envoy writes down the range of a length that one is in. */
const addresses = {
  peerIp: ['peer', 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT'],
  remoteIp: ['remote', 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT'],
  destinationIp: ['destination', 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT'],
} as const;

type Attribute = ClientAttribute | RequestAttribute;

/** Characters of what is joined in one expression: Envoy takes 100,000 in all. */
const longest = 50_000;

/** Returns texts in groups of at most so many characters. */
function grouped(texts: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [[]];
  let length = 0;
  for (const text of texts) {
    length += text.length;
    if (length > longest) {
      groups.push([]);
      length = text.length;
    }
    groups.at(-1)?.push(text);
  }
  return groups;
}

/** Fails whenever it is evaluated: nobody keeps anything there. */
const fails = "filter_state['access.nowhere'] == b''";

function createWriter(trustDomain: string) {
  const ranges = new Map<string, GateValue>();
  const kept: GateValue[] = [];

  /** Keeps whether an expression holds, and returns one that asks for the answer. One that fails is neither. */
  function keep(key: string, expression: string): (answer: 'y' | 'n') => string {
    kept.push({ key, text: `%CEL(${expression} ? 'y' : 'n')%` });
    return (answer) => `filter_state['${key}'] == b'${answer}'`;
  }

  /** Returns the answers of parts, if the texts are too long for one expression. */
  function partsOf(texts: readonly string[], sign: '||' | '&&'): readonly ReturnType<typeof keep>[] {
    const groups = grouped(texts);
    if (groups.length === 1) return [];
    return groups.map((group) => keep(`access.part.${kept.length}`, `(${group.join(` ${sign} `)})`));
  }

  /** Joins texts; if they are too long for one expression, their answers: the result fails like the parts where these do not decide. */
  function join(texts: readonly string[], sign: '||' | '&&'): string {
    const parts = partsOf(texts, sign);
    if (parts.length === 0) return texts.join(` ${sign} `);
    const [yes, no] = (['y', 'n'] as const).map((answer) => parts.map((says) => says(answer))) as [string[], string[]];
    const other = sign === '||' ? '&&' : '||';
    return `((${yes.join(` ${sign} `)}) || (!(${no.join(` ${other} `)}) && ${fails}))`;
  }

  /** Returns an expression that one of these holds. */
  const oneOf = (texts: readonly string[]): string => `(${join(texts, '||')})`;

  /** Returns an expression that all of these hold. */
  const allOf = (texts: readonly string[]): string => (texts.length === 0 ? 'true' : join(texts, '&&'));

  function inRange(attribute: keyof typeof addresses, block: string): string {
    const { text, length } = networkOf(block);
    const [name, command] = addresses[attribute];
    const key = `access.${name}.${length}`;
    ranges.set(key, { key, text: `%${command}(${length})%` });
    return `filter_state['${key}'] == b${literal(text)}`;
  }

  function fits(attribute: Attribute, value: string): string {
    switch (attribute) {
      case 'principal':
      case 'namespace':
      case 'serviceAccount':
      case 'trustDomain':
        return `(has(${identity}) && ${compare(identity, identityMatcher(attribute, value, trustDomain))})`;
      case 'peerIp':
      case 'remoteIp':
      case 'destinationIp':
        return inRange(attribute, value);
      case 'port':
        return `destination.port == ${Number(value)}`;
      case 'serverName':
        return value === '*' ? `${serverName} != ''` : compare(serverName, textMatcher(value));
      // Conditions on HTTP are not asked of connections without it.
      case 'header':
      case 'host':
      case 'method':
      case 'path':
        return 'false';
    }
  }

  const some = (attribute: Attribute, values: readonly string[]): string =>
    oneOf(values.map((value) => fits(attribute, value)));
  const match = (conditions: readonly Condition<Attribute>[]): string =>
    allOf(
      conditions.flatMap(({ attribute, values, notValues }) => [
        ...(values.length === 0 ? [] : [some(attribute, values)]),
        ...(notValues.length === 0 ? [] : [`!${some(attribute, notValues)}`]),
      ]),
    );
  const any = (matches: readonly (readonly Condition<Attribute>[])[]): string =>
    oneOf(matches.map((one) => `(${match(one)})`));

  return {
    /** What is kept, in the order in which it is evaluated. */
    values: (): readonly GateValue[] => [...ranges.values(), ...kept],
    keep,
    oneOf,
    allOf,
    rule: ({ clients, requests, also }: AccessRule): string =>
      allOf([
        any(clients),
        any(requests),
        ...[also.clients, also.requests].filter(({ length }) => length > 0).map(match),
      ]),
  };
}

/**
 * Returns a network filter that keeps connections from the application which some rules do not let through; undefined if they let all through. Each rule
 * is an expression of its own, and long lists are several, because one may have 100,000 characters only; whether it matches is kept as a text. An expression that
 * fails is neither.
 *
 * @param deny rules without conditions on HTTP
 * @param allow likewise; undefined if everything else is allowed
 */
export function gateOf(
  deny: readonly AccessRule[],
  allow: readonly AccessRule[] | undefined,
  trustDomain: string,
): JsonObject | undefined {
  if (deny.length === 0 && allow === undefined) return undefined;
  const writer = createWriter(trustDomain);
  const said = (rule: AccessRule, kind: string, index: number): ReturnType<typeof writer.keep> =>
    writer.keep(`access.${kind}.${index}`, writer.rule(rule));
  const allowed = allow?.map((rule, index) => said(rule, 'allow', index)('y'));
  const denied = deny.map((rule, index) => ({ name: rule.name, says: said(rule, 'deny', index) }));
  const isAllowed = allowed?.length === 0 ? 'false' : writer.oneOf(allowed ?? ['true']);
  const isLetIn = writer.allOf([isAllowed, ...denied.map(({ says }) => says('n'))]);
  const reason = (condition: string, name: string): string =>
    `%CEL(${condition} ? ${literal(`rbac_access_denied_matched_policy[${name}]`)} : '')%`;
  return connectionGate(writer.values(), isLetIn, [
    reason(`!${isAllowed}`, 'none'),
    ...denied.map(({ name, says }) => reason(`!(${says('n')})`, name)),
  ]);
}
