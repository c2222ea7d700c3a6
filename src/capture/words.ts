import { isWithin } from './cidr.ts';
import { hasPort } from '../grammar/port-range.ts';
import type { CaptureIntent, Family } from './intent.ts';
import type { Connection, Way } from './connection.ts';
import { bothFamilies } from './rule-text.ts';
import { captureRules, inPlace } from './rules.ts';
import { says, tcp, type Match, type Rule, type Target, type Words } from './rule.ts';

/** One line of the explanation. In each direction the first row that fits a connection decides. */
export interface CaptureRow extends Words {
  readonly direction: Connection['direction'];
  readonly through: 'proxy' | 'direct';
}

/** One way through the rules: what must hold of a connection that takes it, and where it ends up. */
interface Path {
  readonly direction: Connection['direction'];
  readonly family?: Family | undefined;
  readonly matches: readonly Match[];
  readonly words: Words;
  readonly way: Way;
}

/** Where a target leads, or undefined when the connection goes on. Returning from a chain is past the proxy. */
function wayBy(target: Target, { outboundPort, dns }: CaptureIntent): Way | undefined {
  if (target.to === 'return') return 'direct';
  if (target.to === 'tproxy') return 'inbound listener';
  if (target.to !== 'redirect') return undefined;
  if (target.port === dns?.port) return 'DNS server';
  return target.port === outboundPort ? 'outbound listener' : 'inbound listener';
}

/** Returns the paths through the rules that have words, in the order in which the kernel tries them. */
function pathsByRules(intent: CaptureIntent, direction: Connection['direction']): Path[] {
  const rules = captureRules(intent).filter(({ family }) => family === undefined || intent.families.includes(family));
  const follow = (table: string, chain: string, before: Pick<Rule, 'family' | 'matches' | 'words'>): Path[] =>
    inPlace(rules.filter((rule) => rule.table === table && rule.chain === chain)).flatMap(({ target, ...rule }) => {
      const words = rule.words ?? before.words;
      const family = rule.family ?? before.family;
      const matches = [...before.matches, ...rule.matches];
      if (target.to === 'jump') return follow(table, target.chain, { words, family, matches });
      const way = wayBy(target, intent);
      return words === undefined || way === undefined ? [] : [{ direction, family, matches, words, way }];
    });
  const hook = direction === 'inbound' ? 'PREROUTING' : 'OUTPUT';
  return ['mangle', 'nat'].flatMap((table) => follow(table, hook, { matches: [] }));
}

/** Returns all paths of one direction: of an absent address family, through the rules, and of what no rule matches. */
function pathsOf(intent: CaptureIntent, direction: Connection['direction']): readonly Path[] {
  const { inbound, outbound, dns } = intent;
  const direct = (words: Words, matches: readonly Match[], family?: Family): Path => ({
    direction,
    family,
    matches,
    words,
    way: 'direct',
  });
  const absent = bothFamilies.filter((family) => !intent.families.includes(family));
  const isWhole = direction === 'inbound' ? inbound.ports === 'all' : outbound.cidrs === 'all';
  const rest =
    direction === 'inbound'
      ? says('TCP to any other port', 'any', 'only listed inbound ports are captured')
      : says('TCP to any other address', 'any', 'only listed addresses and ports are captured');
  const captured = dns !== undefined && direction === 'outbound' ? 'TCP and DNS queries are' : 'TCP is';
  return [
    ...absent.map((family) => {
      const name = family === 'v4' ? 'IPv4' : 'IPv6';
      return direct(says(`${name} traffic`, 'any', `the settings say that this cluster has no ${name}`), [], family);
    }),
    ...pathsByRules(intent, direction),
    ...(isWhole ? [] : [direct(rest, [tcp])]),
    direct(says('UDP and everything else', 'any', `only ${captured} captured`), []),
  ];
}

/** Returns whether a condition holds for the first packet of a connection, which has no mark and no state yet. */
function holds(match: Match, one: Connection): boolean {
  const isNot = 'not' in match && match.not;
  switch (match.by) {
    case 'in':
    case 'out':
      return (match.by === 'in') === (one.direction === 'inbound') && one.through === match.name;
    case 'source':
    case 'destination':
      return isWithin(one[match.by], match.cidr) !== isNot;
    case 'protocol':
      return one.protocol === match.name;
    case 'destination port':
      return hasPort([match.range], one.port) !== isNot;
    case 'other destination port':
      return !match.ports.includes(one.port);
    case 'uid':
    case 'gid':
      return (one[match.by] === match.id) !== isNot;
    case 'mark':
    case 'connection mark':
      return isNot;
    case 'source port':
    case 'state':
      return false;
  }
}

/** Groups the paths by the row of the explanation that they belong to. */
function rowsOf(intent: CaptureIntent, direction: Connection['direction']): readonly (readonly Path[])[] {
  const rows = new Map<string, Path[]>();
  for (const path of pathsOf(intent, direction)) {
    const key = `${path.words.what} ${path.words.match}`;
    const row = rows.get(key) ?? [];
    rows.set(key, row);
    row.push(path);
  }
  return [...rows.values()];
}

/** Explains in words what the rules of an intent do, in the order in which they are evaluated. */
export function explainCapture(intent: CaptureIntent): readonly CaptureRow[] {
  return [...rowsOf(intent, 'inbound'), ...rowsOf(intent, 'outbound')].flatMap(([path]) => {
    if (path === undefined) return [];
    const { direction, way, words } = path;
    const through = way === 'direct' ? 'direct' : 'proxy';
    return [{ direction, what: words.what, match: words.match, through, why: words.why }];
  });
}

/** Returns where a connection ends up according to the explanation: the first matching row of its direction decides. */
export function wayOf(intent: CaptureIntent, one: Connection): Way {
  const taken = rowsOf(intent, one.direction)
    .flat()
    .find(
      ({ family, matches }) =>
        (family === undefined || family === one.family) && matches.every((match) => holds(match, one)),
    );
  return taken?.way ?? 'direct';
}
