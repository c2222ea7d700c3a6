import { quote } from '../grammar/problem.ts';

/** Variables of the proxy that an address names, or a sentence that says what is wrong with it. */
export type AddressVariables = { readonly variables: Readonly<Record<string, string>> } | { readonly problem: string };

/** Short names of Istio's for the two variables that every multi-cluster setup has. */
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

/** What Istio's own variables may be; the network becomes a label of the pod too. */
const forms: ReadonlyMap<string, Form> = new Map([
  ['ISTIO_META_CLUSTER_ID', { allowed: '1 to 253 printable characters', pattern: /^[^\p{Cc}]{1,253}$/u }],
  [
    'ISTIO_META_NETWORK',
    { allowed: 'a value of a label', pattern: /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/ },
  ],
]);

type Pair = readonly [key: string, value: string | undefined];

/** `k1/v1/k2/v2`; a slash of a value is written `--slash--`. */
function pairsOf(path: string): Pair[] {
  const parts = path.split('/');
  return parts.flatMap((key, index): Pair[] =>
    index % 2 === 0 ? [[key, parts[index + 1]?.replaceAll('--slash--', '/')]] : [],
  );
}

/** `:ENV:k1=v1:ENV:k2=v2`, the older form. */
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
 * Reads what stands behind `/inject` in the address on which the webhook is called, as Istio's injector does: each pair
 * of key and value sets a variable of the proxy, so that one webhook can serve several clusters. What Istio passes by
 * (a key without a value, a name that is none, a key twice) is a problem here.
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
