import type { CaptureIntent, Family } from './intent.ts';
import { portText, ruleWord } from './rule-text.ts';
import { captureRules } from './rules.ts';
import type { Match, Rule, TableName, Target } from './rule.ts';

/** Built-in chains of each table. Loading with `replace` names them, which empties them. */
const builtInChains: Readonly<Record<TableName, readonly string[]>> = {
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
};

function matchText(match: Match): string {
  const not = 'not' in match && match.not ? '! ' : '';
  switch (match.by) {
    case 'in':
      return `-i ${ruleWord('interfaces', match.name)}`;
    case 'out':
      return `-o ${ruleWord('interfaces', match.name)}`;
    case 'source':
      return `${not}-s ${ruleWord('source address', match.cidr)}`;
    case 'destination':
      return `${not}-d ${ruleWord('destination address', match.cidr)}`;
    case 'protocol':
      return `-p ${match.name}`;
    case 'destination port':
      return `${not}--dport ${portText(match.range, ':')}`;
    case 'source port':
      return `${not}--sport ${portText(match.range, ':')}`;
    case 'other destination port':
      return `-m multiport ! --dports ${match.ports.join(',')}`;
    case 'uid':
      return `-m owner ${not}--uid-owner ${ruleWord('user', match.id)}`;
    case 'gid':
      return `-m owner ${not}--gid-owner ${ruleWord('group', match.id)}`;
    case 'mark':
      return `-m mark ${not}--mark ${match.mark}`;
    case 'connection mark':
      return `-m connmark ${not}--mark ${match.mark}`;
    case 'state':
      return `-m conntrack --ctstate ${match.states.join(',')}`;
  }
}

function targetText(target: Target, protocol: 'tcp' | 'udp' | undefined): string {
  switch (target.to) {
    case 'return':
    case 'accept':
    case 'drop':
      return target.to.toUpperCase();
    case 'save mark':
      return 'CONNMARK --save-mark';
    case 'restore mark':
      return 'CONNMARK --restore-mark';
    case 'jump':
      return target.chain;
    case 'redirect':
      // Istio writes this option in two ways, which mean the same to iptables.
      return `REDIRECT ${protocol === 'udp' ? '--to-port' : '--to-ports'} ${target.port}`;
    case 'tproxy':
      return `TPROXY --tproxy-mark ${target.mark}/0xffffffff --on-port ${target.port}`;
    case 'mark':
      return `MARK --set-mark ${target.mark}`;
    case 'zone':
      return `CT --zone ${target.zone}`;
  }
}

/** The comment for a rule in a built-in chain that does not jump to one of our chains. */
function markText({ table, chain, target }: Rule, comment: CaptureIntent['comment']): string[] {
  const isNamed = target.to === 'jump' || !builtInChains[table].includes(chain);
  return isNamed || comment === undefined ? [] : [`-m comment --comment ${ruleWord('comment', comment)}`];
}

function ruleText(rule: Rule, comment: CaptureIntent['comment']): string {
  const { chain, position, matches, target } = rule;
  const protocol = matches.find((match) => match.by === 'protocol')?.name;
  const place = position === undefined ? `-A ${chain}` : `-I ${chain} ${position}`;
  return [place, ...matches.map(matchText), ...markText(rule, comment), `-j ${targetText(target, protocol)}`].join(' ');
}

function tableText(name: TableName, rules: readonly Rule[], { loading, comment }: CaptureIntent): string[] {
  const builtIn = builtInChains[name];
  const own = [...new Set(rules.map(({ chain }) => chain))].filter((chain) => !builtIn.includes(chain));
  const head =
    loading === 'append'
      ? [`* ${name}`, ...own.map((chain) => `-N ${chain}`)]
      : [`*${name}`, ...builtIn.map((chain) => `:${chain} ACCEPT [0:0]`), ...own.map((chain) => `:${chain} - [0:0]`)];
  return [...head, ...rules.map((rule) => ruleText(rule, comment)), 'COMMIT'];
}

/**
 * Renders the input of `iptables-restore` (v4) or `ip6tables-restore` (v6). With `loading` `replace` it replaces each
 * table of the pod's network namespace atomically, so loading it again changes nothing. With `append` every line equals
 * what Istio passes to `iptables-restore --noflush`. Tables without rules are omitted.
 *
 * @throws UnsupportedCaptureError for a word that a rule cannot contain
 */
export function renderIptables(intent: CaptureIntent, family: Family): string {
  const rules = captureRules(intent).filter((rule) => rule.family === undefined || rule.family === family);
  const tables = [...new Set(rules.map(({ table }) => table))];
  const lines = tables.flatMap((name) =>
    tableText(
      name,
      rules.filter(({ table }) => table === name),
      intent,
    ),
  );
  return `${lines.join('\n')}\n`;
}
