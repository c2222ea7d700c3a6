import type { Connection, Way } from '../../../src/capture/connection.ts';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { addressIn } from './cidr.ts';

/*
 * The same as the model of iptables for the input of `nft -f`: the statements that capture needs, nothing else.
 */
type Chains = ReadonlyMap<string, readonly string[]>;

function parse(text: string): Chains {
  const chains = new Map<string, string[]>();
  let chain: string[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    const name = /^chain (\w+) \{$/.exec(line)?.[1];
    if (name !== undefined) chains.set(name, (chain = []));
    else if (!/^(?:(?:add |delete )?table .*|\}|type .*|)$/.test(line)) chain.push(line);
  }
  return chains;
}

function inSet(text: string, port: number): boolean {
  return text
    .replaceAll(/[{}]/g, '')
    .split(',')
    .some((part) => {
      const [first, last = first] = part.trim().split('-');
      return Number(first) <= port && port <= Number(last);
    });
}

const statements: readonly (readonly [RegExp, (one: Connection, value: string) => boolean])[] = [
  [/^meta nfproto (ipv[46])/, (one, value) => value === `ip${one.family}`],
  [/^iifname "(.*?)"/, (one, value) => one.direction === 'inbound' && one.through === value],
  [/^oifname "(.*?)"/, (one, value) => one.direction === 'outbound' && one.through === value],
  [/^meta l4proto (tcp|udp)/, (one, value) => one.protocol === value],
  [/^meta skuid (?:!= )?(\S+)/, (one, value) => one.uid === value],
  [/^meta skgid (?:!= )?(\S+)/, (one, value) => one.gid === value],
  [/^ct state (\S+)/, (_, value) => value.split(',').includes('new')],
  [/^(?:meta|ct) mark (?:!= )?(\d+)/, (_, value) => value === '0'],
];

/** The verdict of a rule for a connection, or undefined when it does not fit. */
function verdictOf(line: string, one: Connection): string | undefined {
  let rest = line;
  for (;;) {
    const address = /^(ip6?) ([sd])addr (!= )?(\S+) /.exec(rest);
    const port = /^(tcp|udp) dport (!= )?(\{.*?\}|\S+) /.exec(rest);
    const statement = statements.find(([pattern]) => pattern.test(rest));
    if (address !== null) {
      const [text, family, end, not, cidr = ''] = address;
      if ((family === 'ip6') !== (one.family === 'v6')) return undefined;
      if (addressIn(end === 's' ? one.source : one.destination, cidr) === (not !== undefined)) return undefined;
      rest = rest.slice(text.length);
    } else if (port !== null) {
      const [text, protocol, not, set = ''] = port;
      if (protocol !== one.protocol || inSet(set, one.port) === (not !== undefined)) return undefined;
      rest = rest.slice(text.length);
    } else if (statement !== undefined) {
      const [pattern, holds] = statement;
      const [text, value = ''] = pattern.exec(rest) ?? [''];
      if (holds(one, value) === text.includes('!= ')) return undefined;
      rest = rest.slice(text.length).trimStart();
    } else return rest;
  }
}

function walk(chains: Chains, chain: string, one: Connection): string | undefined {
  for (const line of chains.get(chain) ?? []) {
    const verdict = verdictOf(line, one);
    if (verdict === undefined) continue;
    if (verdict === 'return') return undefined;
    const jump = /^jump (\w+)$/.exec(verdict)?.[1];
    if (jump !== undefined) {
      const decided = walk(chains, jump, one);
      if (decided !== undefined) return decided;
    } else if (/^(?:redirect|accept|drop)|tproxy/.test(verdict)) return verdict;
    else if (!/^(?:(?:meta|ct) mark set|ct zone set)/.test(verdict))
      throw new Error(`the model does not know ${verdict}`);
  }
  return undefined;
}

/** Where the connection ends up under this table. */
export function wayByNftables(text: string, intent: CaptureIntent, one: Connection): Way {
  const chains = parse(text);
  const hook = one.direction === 'inbound' ? 'prerouting' : 'output';
  for (const table of ['mangle', 'nat']) {
    const port = / to :(\d+)/.exec(` ${walk(chains, `${table}_${hook}`, one) ?? ''}`)?.[1];
    if (port === undefined) continue;
    if (Number(port) === intent.outboundPort) return 'outbound listener';
    if (Number(port) === intent.inboundPort) return 'inbound listener';
    if (Number(port) === intent.dns?.port) return 'DNS server';
    throw new Error(`nothing of the proxy listens on ${port}`);
  }
  return 'direct';
}
