import { parseBundle } from '../../certs/bundle.ts';
import { readAuthority, type MeshAuthority } from './mesh-authority.ts';
import type { RootPhase, RootState } from './root-rotation.ts';

/** Keys of the Secret of an authority. The first two alone are a root, as people and earlier versions write it. */
interface AuthorityKeys {
  readonly certificate: string;
  readonly privateKey: string;
  readonly chain: string;
  readonly roots: string;
}

const current: AuthorityKeys = {
  certificate: 'ca.crt',
  privateKey: 'ca.key',
  chain: 'ca-chain.crt',
  roots: 'ca-roots.crt',
};
const next: AuthorityKeys = {
  certificate: 'ca-next.crt',
  privateKey: 'ca-next.key',
  chain: 'ca-next-chain.crt',
  roots: 'ca-next-roots.crt',
};
const keys = {
  previous: 'ca-previous.crt',
  phase: 'phase',
  generation: 'generation',
  since: 'phase-since',
  request: 'rotated-for',
  isUrgent: 'urgent',
} as const;

/** What a Secret holds. A problem is a sentence that names the key, without anything of a private key. */
export type ParsedRoot =
  | { readonly kind: 'empty' }
  | { readonly kind: 'filled'; readonly state: RootState }
  | { readonly kind: 'invalid'; readonly problem: string };

/** Reads the values of the Secret. It is empty if it has no authority at all. */
export function parseRoot(data: ReadonlyMap<string, string>): ParsedRoot {
  const textOf = (key: string): string => data.get(key)?.trim() ?? '';
  if (Object.values(current).every((key) => textOf(key) === '')) return { kind: 'empty' };
  try {
    return { kind: 'filled', state: stateOf(textOf) };
  } catch (error) {
    return { kind: 'invalid', problem: error instanceof Error ? error.message : String(error) };
  }
}

function stateOf(textOf: (key: string) => string): RootState {
  const phase = phaseOf(textOf(keys.phase));
  const hasNext = textOf(next.certificate) !== '';
  if (hasNext !== (phase === 'trust')) {
    throw new Error(`${keys.phase} is '${phase}', but ${next.certificate} is ${hasNext ? 'there' : 'missing'}`);
  }
  const signer = authorityAt(textOf, current);
  return {
    current: signer,
    ...(hasNext && { next: authorityAt(textOf, next) }),
    previous: textOf(keys.previous) === '' ? [] : certificatesOf(keys.previous, textOf(keys.previous)),
    phase,
    generation: generationOf(textOf(keys.generation)),
    since: timeOf(textOf(keys.since), signer),
    request: textOf(keys.request),
    isUrgent: textOf(keys.isUrgent) === 'true',
  };
}

function authorityAt(textOf: (key: string) => string, names: AuthorityKeys): MeshAuthority {
  const named = (name: string) => ({ name, text: textOf(name) });
  const { certificate, roots } = names;
  const own = named(certificate);
  if (own.text !== '') {
    const { certificates = [] } = parseBundle(own.text);
    if (certificates.length !== 1) throw new Error(`${certificate} is not one certificate in PEM`);
  }
  return readAuthority({
    certificate: own,
    privateKey: named(names.privateKey),
    chain: named(names.chain),
    roots: named(roots),
  });
}

function certificatesOf(key: string, text: string): readonly string[] {
  const { certificates, problem } = parseBundle(text);
  if (certificates === undefined) throw new Error(`${key} holds no certificates in PEM: ${problem}`);
  return certificates.map(String);
}

function phaseOf(text: string): RootPhase {
  if (text === '' || text === 'stable') return 'stable';
  if (text === 'trust' || text === 'sign') return text;
  throw new Error(`${keys.phase} must be 'stable', 'trust' or 'sign', and not '${text.slice(0, 40)}'`);
}

function generationOf(text: string): number {
  if (text === '') return 1;
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw new Error(`${keys.generation} must be a whole number from 1 on, and not '${text.slice(0, 40)}'`);
}

function timeOf(text: string, { notBeforeMs }: MeshAuthority): Date {
  if (text === '') return new Date(notBeforeMs);
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) {
    throw new Error(`${keys.since} must be an ISO 8601 time, and not '${text.slice(0, 40)}'`);
  }
  return time;
}

/** Returns the values of a Secret with this state. Keys that are nobody's stay as they are. */
export function renderRoot(state: RootState, data: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const values = new Map(data);
  const put = (key: string, text: string): void => {
    if (text === '') values.delete(key);
    else values.set(key, text);
  };
  const putAuthority = (names: AuthorityKeys, authority: MeshAuthority | undefined): void => {
    const { certificate = '', privateKey = '', chain = [], roots = [] } = authority ?? {};
    put(names.certificate, certificate);
    put(names.privateKey, privateKey);
    put(names.chain, chain.filter((one) => one !== certificate).join(''));
    put(names.roots, roots.length === 1 && roots[0] === certificate ? '' : roots.join(''));
  };
  putAuthority(current, state.current);
  putAuthority(next, state.next);
  put(keys.previous, state.previous.join(''));
  put(keys.phase, state.phase);
  put(keys.generation, String(state.generation));
  put(keys.since, state.since.toISOString());
  put(keys.request, state.request);
  put(keys.isUrgent, state.isUrgent ? 'true' : '');
  return values;
}
