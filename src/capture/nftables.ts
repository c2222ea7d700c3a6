import type { CaptureIntent, Family } from './intent.ts';
import { bothFamilies, portText, ruleWord } from './rule-text.ts';
import { captureRules, inPlace } from './rules.ts';
import type { Match, Rule, TableName } from './rule.ts';

const table = 'inet istio_capture';

/**
 * Hook and priority of each base chain. Priorities are numbers, because the output hook does not accept their names.
 */
const hooks: Readonly<Record<string, string>> = {
  mangle_prerouting: 'type filter hook prerouting priority -150; policy accept;',
  // Type `route`, because a mark that is set here changes the route.
  mangle_output: 'type route hook output priority -150; policy accept;',
  nat_prerouting: 'type nat hook prerouting priority -100; policy accept;',
  nat_output: 'type nat hook output priority -100; policy accept;',
  raw_prerouting: 'type filter hook prerouting priority -300; policy accept;',
  raw_output: 'type filter hook output priority -300; policy accept;',
};

const addressOf = { v4: 'ip', v6: 'ip6' } as const;
const protocolOf = { v4: 'ipv4', v6: 'ipv6' } as const;

function chainName(of: TableName, chain: string): string {
  return `${of}_${chain.toLowerCase()}`;
}

/** Conditions of one rule. A condition on a port names the protocol, so the protocol is written only without one. */
function conditions(rule: Rule, intent: CaptureIntent): string[] {
  const { matches } = rule;
  const protocol = matches.find((match) => match.by === 'protocol')?.name;
  const hasPort = matches.some(({ by }) => by.endsWith('port'));
  const hasAddress = matches.some(({ by }) => by === 'source' || by === 'destination');
  const text = (match: Match): string => {
    const not = 'not' in match && match.not ? '!= ' : '';
    switch (match.by) {
      case 'in':
        return `iifname "${ruleWord('interfaces', match.name)}"`;
      case 'out':
        return `oifname "${ruleWord('interfaces', match.name)}"`;
      case 'source':
        return `${addressOf[rule.family ?? 'v4']} saddr ${not}${ruleWord('source address', match.cidr)}`;
      case 'destination':
        return `${addressOf[rule.family ?? 'v4']} daddr ${not}${ruleWord('destination address', match.cidr)}`;
      case 'protocol':
        return hasPort ? '' : `meta l4proto ${match.name}`;
      case 'destination port':
        return `${protocol} dport ${not}${portText(match.range, '-')}`;
      case 'source port':
        return `${protocol} sport ${not}${portText(match.range, '-')}`;
      case 'other destination port':
        return `${protocol} dport != { ${match.ports.join(', ')} }`;
      case 'uid':
        return `meta skuid ${not}${ruleWord('user', match.id)}`;
      case 'gid':
        return `meta skgid ${not}${ruleWord('group', match.id)}`;
      case 'mark':
        return `meta mark ${not}${match.mark}`;
      case 'connection mark':
        return `ct mark ${not}${match.mark}`;
      case 'state':
        return `ct state ${match.states.join(',').toLowerCase()}`;
    }
  };
  const family =
    rule.family === undefined || hasAddress || intent.families.length === 1
      ? ''
      : `meta nfproto ${protocolOf[rule.family]}`;
  return [family, ...matches.map(text)].filter((part) => part !== '');
}

function verdict({ target, table: of, family }: Rule): string {
  switch (target.to) {
    case 'return':
    case 'accept':
    case 'drop':
      return target.to;
    case 'save mark':
      return 'ct mark set meta mark';
    case 'restore mark':
      return 'meta mark set ct mark';
    case 'jump':
      return `jump ${chainName(of, target.chain)}`;
    case 'redirect':
      return `redirect to :${target.port}`;
    case 'tproxy':
      return `meta mark set ${target.mark} tproxy ${addressOf[family ?? 'v4']} to :${target.port} accept`;
    case 'mark':
      return `meta mark set ${target.mark}`;
    case 'zone':
      return `ct zone set ${target.zone}`;
  }
}

function ruleLines(rule: Rule, intent: CaptureIntent): string[] {
  const when = conditions(rule, intent);
  const line = [...when, verdict(rule)].join(' ');
  // Without a listener, this statement lets a packet continue past the proxy, where iptables drops it.
  return rule.target.to === 'tproxy' ? [line, [...when, 'drop'].join(' ')] : [line];
}

/** Orders the rules of both families in one list. The position of an insertion counts only rules of its own family. */
function ofBothFamilies(rules: readonly Rule[], families: readonly Family[]): Rule[] {
  const shared = rules.some(({ position, family }) => position !== undefined && family !== undefined);
  if (!shared) return inPlace(rules);
  return families.flatMap((family) =>
    inPlace(rules.filter((rule) => rule.family === undefined || rule.family === family)).map((rule) => ({
      ...rule,
      family,
    })),
  );
}

/** Rules that exempt a family that is not captured, because the table sees both families. */
function guards(intent: CaptureIntent): string[] {
  return bothFamilies
    .filter((family) => !intent.families.includes(family))
    .map((family) => `meta nfproto ${protocolOf[family]} return`);
}

/**
 * Renders the input of `nft -f`: one separate table for both families. The three statements are one transaction, so
 * loading it again is harmless, and no other table is changed. It decides exactly like the iptables rules of the same
 * intent.
 *
 * @throws UnsupportedCaptureError for a word that a rule cannot contain
 */
export function renderNftables(intent: CaptureIntent): string {
  const rules = captureRules(intent).filter(({ family }) => family === undefined || intent.families.includes(family));
  const chainOf = (rule: Rule): string => chainName(rule.table, rule.chain);
  const chains = [...new Set(rules.map(chainOf))].map((name) => {
    const own = rules.filter((rule) => chainOf(rule) === name);
    const hook = Object.hasOwn(hooks, name) ? [hooks[name] ?? '', ...guards(intent)] : [];
    const lines = ofBothFamilies(own, intent.families).flatMap((rule) => ruleLines(rule, intent));
    return [`  chain ${name} {`, ...[...hook, ...lines].map((line) => `    ${line}`), '  }'].join('\n');
  });
  return [`add table ${table}`, `delete table ${table}`, `table ${table} {`, ...chains, '}', ''].join('\n');
}
