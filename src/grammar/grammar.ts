import type { ExcludedUser } from './excluded-user.ts';
import type { PortRange } from './port-range.ts';
import { quote } from './problem.ts';
import { parseQuantity } from './quantity.ts';

export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** How one kind of text is parsed. `allowed` completes the sentence "allowed: …" of a problem. */
export interface Grammar<T> {
  readonly allowed: string;
  parse(text: string): Parsed<T>;
}

/** Limits the number of rules that one list can cause. Ranges and larger CIDRs need fewer entries. */
const longestList = 256;

/** The problem that a text is not allowed. */
export function refuse(text: string, allowed: string): { readonly problem: string } {
  return { problem: `${quote(text)} is not allowed; allowed: ${allowed}` };
}

/** Creates a grammar. `read` returns undefined if the text is not allowed. */
export function grammar<T>(allowed: string, read: (text: string) => T | undefined): Grammar<T> {
  return {
    allowed,
    parse(text) {
      const value = read(text);
      return value === undefined ? refuse(text, allowed) : { value };
    },
  };
}

/** Exactly one of the given words. */
export function oneOf<const T extends string>(...words: readonly T[]): Grammar<T> {
  return grammar(words.join(', '), (text) => words.find((word) => word === text));
}

export const trueOrFalse: Grammar<boolean> = grammar('true, false', (text) =>
  text === 'true' ? true : text === 'false' ? false : undefined,
);

/** Go's `strconv.ParseBool`, which Istio uses for some annotations. */
export const looseBoolean: Grammar<boolean> = grammar('true, false', (text) => {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
});

/** A decimal integer within bounds, without a sign, blanks or leading zeros. */
export function integer(least: number, most: number): Grammar<number> {
  return grammar(`an integer from ${least} to ${most}`, (text) => {
    if (!/^(?:0|[1-9]\d{0,9})$/.test(text)) return undefined;
    const value = Number(text);
    return value >= least && value <= most ? value : undefined;
  });
}

function listOf<T>(text: string, allowed: string, read: (item: string) => T | undefined): Parsed<readonly T[]> {
  const items = text.split(',');
  if (items.length > longestList) {
    return { problem: `has ${items.length} entries, at most ${longestList} are allowed` };
  }
  const values: T[] = [];
  for (const item of items) {
    const value = read(item.trim());
    if (value === undefined) return refuse(item, allowed);
    values.push(value);
  }
  return { value: values };
}

function list<T>(allowed: string, read: (item: string) => T | undefined): Grammar<readonly T[]> {
  return {
    allowed,
    parse: (text) => (text.trim() === '' ? { value: [] } : listOf(text, allowed, read)),
  };
}

function orAll<T>(inner: Grammar<readonly T[]>): Grammar<'all' | readonly T[]> {
  return {
    allowed: `* or ${inner.allowed}`,
    parse(text) {
      if (text.trim() === '*') return { value: 'all' };
      const parsed = inner.parse(text);
      return 'problem' in parsed ? { problem: parsed.problem.replace(inner.allowed, this.allowed) } : parsed;
    },
  };
}

const port = integer(0, 65535);

function readPortRange(item: string): PortRange | undefined {
  const [from, to, ...rest] = item.split('-');
  if (from === undefined || rest.length > 0) return undefined;
  const first = port.parse(from);
  const last = to === undefined ? first : port.parse(to);
  if ('problem' in first || 'problem' in last || first.value > last.value) return undefined;
  return { first: first.value, last: last.value };
}

/** A comma-separated list of ports and ranges, such as `80,8000-8100`; an empty text is an empty list. */
export const portList = list('a comma list of ports 0-65535 and ranges such as 8000-8100', readPortRange);
export const portListOrAll = orAll(portList);

/** 4294967294 is the largest user id in Linux; 4294967295 means none. */
const uid = integer(0, 4_294_967_294);

function readUser(item: string): ExcludedUser | undefined {
  const [id = '', ports, ...rest] = item.split(':');
  const range = ports === undefined ? undefined : readPortRange(ports);
  if (rest.length > 0 || 'problem' in uid.parse(id) || (ports !== undefined && range === undefined)) return undefined;
  return { uid: id, ports: range === undefined ? 'all' : [range] };
}

/** A comma-separated list of user ids, each with an optional port or range: `1000,1001:443,1001:8000-8100`. */
export const userList = list(
  'a comma list of user ids, each alone or with ports: 1000 or 1000:443 or 1000:8000-8100',
  readUser,
);

const groupName = /^(?:0|[1-9]\d{0,9}|[a-z_][a-z0-9_-]{0,31})$/;

/** A comma-separated list of groups, by id or by a name of the init image. */
export const groupList = list('a comma list of group ids or names', (item) =>
  groupName.test(item) ? item : undefined,
);

/** The same for groups that share a rule: one can name at most 64. */
const groupsOfOneRule: Grammar<readonly string[]> = {
  allowed: 'a comma list of at most 64 group ids or names',
  parse(text) {
    const groups = groupList.parse(text);
    if ('problem' in groups) return { problem: groups.problem.replace(groupList.allowed, this.allowed) };
    return groups.value.length <= 64 ? groups : refuse(`${groups.value.length} groups`, this.allowed);
  },
};
export const groupListOrAll = orAll(groupsOfOneRule);

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** RFC 4291 section 2.2, forms 1 to 3 (groups, `::`, and a dotted IPv4 part at the end), without a zone. */
function isIpv6(text: string): boolean {
  if (text.length > 45 || text.includes(':::')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const tail = groups.at(-1);
  const dotted = tail?.includes('.') === true;
  if (dotted && (!isIpv4(tail ?? '') || text.endsWith('::'))) return false;
  const hex = dotted ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = hex.length + (dotted ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/**
 * Whether the text is an IPv4 or IPv6 address with a prefix length. Host bits may be set, because the kernel masks
 * them.
 */
export function isCidr(text: string): boolean {
  const [address, prefix, ...rest] = text.split('/');
  if (address === undefined || prefix === undefined || rest.length > 0) return false;
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return false;
  return isIpv4(address) ? Number(prefix) <= 32 : isIpv6(address) && Number(prefix) <= 128;
}

/** A comma-separated list of CIDRs of both families; an empty text is an empty list. */
export const cidrList = list('a comma list of CIDRs such as 10.0.0.0/8 or 2001:db8::/32', (item) =>
  isCidr(item) ? item : undefined,
);
export const cidrListOrAll = orAll(cidrList);

/** A comma-separated list of network interfaces: at most 15 characters each (IFNAMSIZ), safe to write in a rule. */
export const interfaceList = list(
  'a comma list of interface names (a letter, then up to 14 of A-Z a-z 0-9 _ . -)',
  (item) => (/^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/.test(item) ? item : undefined),
);

export const quantity: Grammar<string> = grammar('a Kubernetes quantity such as 100m or 128Mi', (text) =>
  parseQuantity(text) === undefined ? undefined : text,
);

const levels = ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'] as const;

export const logLevel = oneOf(...levels);

export const componentLogLevel: Grammar<string> = grammar(
  `a comma list of component:level, level one of ${levels.join(', ')}`,
  (text) =>
    text
      .split(',')
      .every((item) => /^[a-z0-9_]{1,32}:(?:trace|debug|info|warning|warn|error|critical|off)$/.test(item)) &&
    text.length <= 1024
      ? text
      : undefined,
);

/**
 * An image reference, `registry/repository:tag@digest`, as the distribution and containers/image projects define it.
 */
export const imageReference: Grammar<string> = grammar(
  'an image reference such as registry.example.com/envoy:v1.40.0, or with @sha256:…',
  (text) =>
    text.length <= 255 &&
    /^[a-zA-Z0-9](?:[a-zA-Z0-9._/-]|:(?=[0-9]+\/))*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/.test(
      text,
    )
      ? text
      : undefined,
);

/** A comma-separated list of at least one template name (a DNS label), each with an optional `:version`. */
export const templateList: Grammar<readonly string[]> = {
  allowed: 'a comma list of template names, each alone or as name:version',
  parse(text) {
    const isName = (item: string): boolean =>
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/.test(item);
    const names = listOf(text, this.allowed, (item) => (isName(item) ? item : undefined));
    return 'problem' in names ? names : { value: [...new Set(names.value)] };
  },
};

const modes = oneOf('REDIRECT', 'NONE');

/** How traffic is captured. Istio's mode TPROXY has its own message, because existing manifests use it. */
export const interceptionMode: Grammar<'REDIRECT' | 'NONE'> = {
  allowed: modes.allowed,
  parse(text) {
    if (text !== 'TPROXY') return modes.parse(text);
    const why = '"TPROXY" needs a proxy that is root with NET_ADMIN, which is not offered';
    const instead =
      'an application that must see its clients takes traffic.sidecar.istio.io/excludeInboundPorts for those ports';
    return { problem: `${why}; ${instead}; allowed: ${modes.allowed}` };
  },
};

/** One line of text, for values without any other rule. */
export const plainText: Grammar<string> = grammar('one line of text, at most 4096 characters', (text) =>
  /^[^\p{Cc}]{0,4096}$/u.test(text) ? text : undefined,
);

/** A non-empty value of a Kubernetes label (IsValidLabelValue in k8s.io/apimachinery `util/validation`). */
export const labelValue: Grammar<string> = grammar(
  'a label’s value: 1 to 63 of A-Z a-z 0-9 - _ . with a letter or digit at both ends',
  (text) => (/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text) ? text : undefined),
);

/** Scopes and levels of the log of Istio's agent, such as `default:info,ads:debug`. */
export const agentLogLevel: Grammar<string> = grammar(
  'a comma list of scope:level or one level, level one of none, fatal, error, warn, info, debug',
  (text) =>
    text.length <= 1024 &&
    text.split(',').every((item) => /^(?:[A-Za-z0-9_.-]{1,64}:)?(?:none|fatal|error|warn|info|debug)$/.test(item))
      ? text
      : undefined,
);

const durationUnits: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

/** A duration in the syntax of Go's `time.ParseDuration` (`1m30s`), without a sign, in seconds and within bounds. */
export function duration(least: number, most: number): Grammar<number> {
  return grammar(`a duration such as 45s or 1m30s, from ${least} s to ${most} s`, (text) => {
    if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|us|s|ns)){1,6}$/.test(text)) return undefined;
    let seconds = 0;
    for (const [, number = '', unit = ''] of text.matchAll(/([\d.]+)([a-z]+)/g)) {
      seconds += Number(number) * (durationUnits[unit] ?? 0);
    }
    return seconds >= least && seconds <= most ? seconds : undefined;
  });
}

/** Istio's list of metrics pages, such as `8080:/metrics,9090`. */
export const scrapeTargets = list('a comma list of port or port:/path', (item) => {
  const [, digits, path = '/metrics'] = /^([1-9]\d{0,4})(?::(\/\S*))?$/.exec(item) ?? [];
  const number = Number(digits);
  return number >= 1 && number <= 65_535 ? { port: number, path } : undefined;
});
