import { quote } from '../grammar/problem.ts';

/** Proxy variables from an address, or a sentence that describes what is wrong with the address. */
export type AddressVariables = { readonly variables: Readonly<Record<string, string>> } | { readonly problem: string };

/** Istio's short names for the two variables that every multi-cluster setup sets. */
const shortNames: ReadonlyMap<string, string> = new Map([
  ['cluster', 'ISTIO_META_CLUSTER_ID'],
  ['net', 'ISTIO_META_NETWORK'],
]);

const oldForm = ':ENV:';

interface Form {
  readonly allowed: string;
  readonly pattern: RegExp;
}

const anyValue: Form = { allowed: 'at most 1024 printable characters', pattern: /^[^\p{Cc}]{0,1024}$/u };

/** Allowed values of Istio's own variables. The network also becomes a label of the pod. */
const forms: ReadonlyMap<string, Form> = new Map([
  ['ISTIO_META_CLUSTER_ID', { allowed: '1 to 253 printable characters', pattern: /^[^\p{Cc}]{1,253}$/u }],
  [
    'ISTIO_META_NETWORK',
    { allowed: 'a value of a label', pattern: /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/ },
  ],
]);

type Pair = readonly [key: string, value: string | undefined];

/** Parses `k1/v1/k2/v2`; a slash inside a value is written `--slash--`. */
function pairsOf(path: string): Pair[] {
  const parts = path.split('/');
  return parts.flatMap((key, index): Pair[] =>
    index % 2 === 0 ? [[key, parts[index + 1]?.replaceAll('--slash--', '/')]] : [],
  );
}

/** Parses `:ENV:k1=v1:ENV:k2=v2`, the older form. */
function oldPairsOf(path: string): Pair[] {
  return path
    .split(oldForm)
    .slice(1)
    .map((text): Pair => {
      const at = text.indexOf('=');
      return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
    });
}

function problemOf(name: string, key: string, value: string | undefined): string | undefined {
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) {
    return `${quote(key)} is not a name; allowed: cluster, net or the name of a variable`;
  }
  if (value === undefined) return `${quote(key)} has no value`;
  const { allowed, pattern } = forms.get(name) ?? anyValue;
  return pattern.test(value) ? undefined : `${key}: ${quote(value)} is not allowed; allowed: ${allowed}`;
}

/**
 * Reads the part of the webhook's address after `/inject`, as Istio's injector does: each pair of key and value sets a
 * variable of the proxy, so that one webhook can serve several clusters. What Istio ignores (a key without a value, an
 * invalid name, a repeated key) is a problem here.
 */
export function readAddressVariables(path: string): AddressVariables {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return { problem: 'The address does not decode.' };
  }
  const rest = decoded.replace(/^\/inject\/?/, '').replace(/\/$/, '');
  const pairs = rest === '' ? [] : rest.startsWith(oldForm) ? oldPairsOf(rest) : pairsOf(rest);
  const variables = new Map<string, string>();
  for (const [key, value] of pairs) {
    const name = shortNames.get(key) ?? key.toUpperCase();
    const problem = variables.has(name) ? `${quote(key)} is there twice` : problemOf(name, key, value);
    if (problem !== undefined) return { problem: `The address names no variables of the proxy: ${problem}.` };
    variables.set(name, value ?? '');
  }
  return { variables: Object.fromEntries(variables) };
}
