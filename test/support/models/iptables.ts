import type { Connection, Way } from '../../../src/capture/connection.ts';
import type { CaptureIntent } from '../../../src/capture/intent.ts';
import { addressIn } from './cidr.ts';

/*
 * A small model of what the kernel does with the first packet of a connection under rules given as the input of
 * `iptables-restore`. It knows the matches and targets that capture needs and refuses everything else.
 */
interface ModelRule {
  readonly words: readonly string[];
}

type Chains = Map<string, ModelRule[]>;

/** Chains of each table; insertions are carried out. */
function parse(text: string): Map<string, Chains> {
  const tables = new Map<string, Chains>();
  let chains: Chains = new Map();
  for (const line of text.split('\n')) {
    const words = line.split(' ');
    const [first = '', second = ''] = words;
    if (line.startsWith('*')) tables.set(line.replaceAll(/[* ]/g, ''), (chains = new Map()));
    else if (first === '-A' || first === '-I') {
      const chain = chains.get(second) ?? [];
      chains.set(second, chain);
      if (first === '-A') chain.push({ words: words.slice(2) });
      else chain.splice(Number(words[2]) - 1, 0, { words: words.slice(3) });
    } else if (!/^(?::|-N |COMMIT$|$)/.test(line)) throw new Error(`the model does not know ${line}`);
  }
  return tables;
}

function inRange(text: string, port: number): boolean {
  const [first, last = first] = text.split(':');
  return Number(first) <= port && port <= Number(last);
}

/** A new connection without a mark; a port in a match is the destination's. */
function matches(one: Connection, words: readonly string[]): { readonly fits: boolean; readonly target: string[] } {
  let fits = true;
  let not = false;
  const rest = [...words];
  const take = (): string => rest.shift() ?? '';
  const need = (holds: boolean): void => {
    fits &&= holds !== not;
    not = false;
  };
  while (rest.length > 0) {
    const word = take();
    if (word === '!') not = true;
    else if (word === '-m' || word === '--comment') take();
    else if (word === '-i') need(one.direction === 'inbound' && one.through === take());
    else if (word === '-o') need(one.direction === 'outbound' && one.through === take());
    else if (word === '-s') need(addressIn(one.source, take()));
    else if (word === '-d') need(addressIn(one.destination, take()));
    else if (word === '-p') need(one.protocol === take());
    else if (word === '--dport') need(inRange(take(), one.port));
    else if (word === '--dports')
      need(
        take()
          .split(',')
          .some((port) => Number(port) === one.port),
      );
    else if (word === '--uid-owner') need(one.uid === take());
    else if (word === '--gid-owner') need(one.gid === take());
    else if (word === '--mark') need(take() === '0');
    else if (word === '--ctstate') need(take().split(',').includes('NEW'));
    else if (word === '-j') return { fits, target: rest };
    else throw new Error(`the model does not know the match ${word}`);
  }
  throw new Error(`a rule without a target: ${words.join(' ')}`);
}

/** The target that decides, or undefined when the chain comes to its end. */
function walk(chains: Chains, chain: string, one: Connection): string[] | undefined {
  for (const { words } of chains.get(chain) ?? []) {
    const { fits, target } = matches(one, words);
    const [name = ''] = target;
    if (!fits || ['MARK', 'CONNMARK', 'CT'].includes(name)) continue;
    if (name === 'RETURN') return undefined;
    if (['REDIRECT', 'TPROXY', 'ACCEPT', 'DROP'].includes(name)) return target;
    const decided = walk(chains, name, one);
    if (decided !== undefined) return decided;
  }
  return undefined;
}

function wayOfPort(port: number, intent: CaptureIntent): Way {
  if (port === intent.outboundPort) return 'outbound listener';
  if (port === intent.inboundPort) return 'inbound listener';
  if (port === intent.dns?.port) return 'DNS server';
  throw new Error(`nothing of the proxy listens on ${port}`);
}

/** Where the connection ends up under these rules. */
export function wayByIptables(text: string, intent: CaptureIntent, one: Connection): Way {
  const tables = parse(text);
  const chain = one.direction === 'inbound' ? 'PREROUTING' : 'OUTPUT';
  for (const table of ['mangle', 'nat']) {
    const target = walk(tables.get(table) ?? new Map(), chain, one);
    const [name = ''] = target ?? [];
    if (name === 'REDIRECT' || name === 'TPROXY') return wayOfPort(Number(target?.at(-1)), intent);
  }
  return 'direct';
}
