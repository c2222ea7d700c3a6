import { quote } from '../../../grammar/problem.ts';
import type { Finding } from '../finding.ts';
import { isTemplate } from './access-values.ts';

/** What is wrong with a value that may be written, and probably does not do what is meant: a code, and the end of a sentence. */
type ValueProblem = readonly [code: string, sentence: string] | undefined;

/** What is said of a value, among the others of its list. */
export type ProblemOf = (value: string, list: readonly string[]) => ValueProblem;

/** Returns warnings about values of some lists of a part, by the name of the list. */
export function checkValues(
  part: Readonly<Record<string, unknown>>,
  problems: Readonly<Record<string, ProblemOf>>,
  at: string,
): Finding[] {
  return Object.entries(problems).flatMap(([name, problemOf]) => {
    const list = (part[name] ?? []) as readonly string[];
    return list.flatMap((value, index): Finding[] => {
      const said = problemOf(value, list);
      if (said === undefined) return [];
      const [code, sentence] = said;
      return [{ field: `${at}/${name}/${index}`, effect: 'warning', code, sentence: `${quote(value)}: ${sentence}` }];
    });
  });
}

const never = (sentence: string): ValueProblem => ['NeverMatches', sentence];

function starProblem(value: string): ValueProblem {
  const inner = value.replace(/^\*/, '').replace(value.startsWith('*') ? '' : /\*$/, '');
  return inner.includes('*')
    ? ['LiteralStar', 'only one * at the beginning or at the end stands for any text; this one is compared as it is']
    : undefined;
}

/** Whether a path is as RFC 3986 (section 6.2.2) has it: nothing encoded that need not be, no dot segments. */
const abnormal = /\\|%(?:4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae]|3[0-9]|2[de])|(?:^|\/)\.{1,2}(?:\/|$)/i;

export function pathProblem(value: string): ValueProblem {
  if (/[?#]/.test(value)) return never('a path is compared without its query, and has no "?" or "#"');
  if (!/^[/*]/.test(value)) return never('a path begins with "/"');
  if (abnormal.test(value)) {
    return ['NotNormal', 'no request fits: write it without dot segments and backslashes, and letters as they are'];
  }
  return isTemplate(value) ? undefined : starProblem(value);
}

export function principalProblem(value: string): ValueProblem {
  if (/^\*?spiffe:/.test(value)) return never('leave out spiffe://, which is put in front');
  if (value.includes('*') || /^[^/]+\/ns\/[^/]+\/sa\/[^/]+$/.test(value)) return starProblem(value);
  return never('no pod has this identity: theirs are TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT');
}

export function namespaceProblem(value: string): ValueProblem {
  return /[^a-z0-9*-]/.test(value)
    ? never('the name of a namespace has lower-case letters, digits and "-"')
    : undefined;
}

export function serviceAccountProblem(value: string): ValueProblem {
  return /[^a-z0-9./-]/.test(value)
    ? never('names of namespaces and ServiceAccounts have lower-case letters, digits, "-" and "."')
    : undefined;
}

export function hostProblem(value: string): ValueProblem {
  if (/[^!-~]|[/@?#\\]/.test(value)) {
    return never('a Host header is a name (an international one as xn--) or an address, and a port if there is one');
  }
  return starProblem(value);
}

/** Of a host that is to be kept out, which its client may write in another way: with a port, or with a dot at its end. */
export function forbiddenHostProblem(value: string, list: readonly string[]): ValueProblem {
  const problem = hostProblem(value);
  if (problem !== undefined || value.endsWith('*') || /:\d+$/.test(value)) return problem;
  const longer = [`${value}*`, `${value}:*`].map((one) => one.toLowerCase());
  if (list.some((other) => longer.includes(other.toLowerCase()))) return undefined;
  const remedy = value.startsWith('*') ? 'allow hosts instead' : `add "${value}*", or allow hosts instead`;
  return ['PortPasses', `a client passes that writes a port or a dot behind it; ${remedy}`];
}

export function methodProblem(value: string): ValueProblem {
  if (/[a-z]/.test(value)) return never('methods are written in upper case');
  return /[^!#$%&'*+.^_`|~0-9A-Z-]/.test(value) ? never('a method has no such characters') : starProblem(value);
}

export function serverNameProblem(value: string): ValueProblem {
  if (/[A-Z]/.test(value)) return never('server names of TLS are compared in lower case');
  return starProblem(value);
}

export function headerProblem(value: string): ValueProblem {
  if (/^\s|\s$|\p{Cc}/u.test(value)) return never('a header has no spaces at its ends, and no control characters');
  return starProblem(value);
}
