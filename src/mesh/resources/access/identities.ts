import { escaped, textMatcher, type TextMatcher } from './text-match.ts';
import type { ClientAttribute } from '../../plan/access-plan.ts';

/** What is compared of a client's SPIFFE id. */
export type IdentityAttribute = Extract<ClientAttribute, 'principal' | 'namespace' | 'serviceAccount' | 'trustDomain'>;

const scheme = 'spiffe://';

/** Istio's name for the trust domain of the mesh, whatever it is called. */
const ownDomain = 'cluster.local';

function ofPrincipal(pattern: string, trustDomain: string): TextMatcher {
  const parts = pattern.split('/');
  const own = parts.length === 5 && parts[0] === ownDomain ? [trustDomain, ...parts.slice(1)].join('/') : pattern;
  if (own === '*') return { type: 'prefix', value: scheme };
  const { type, value } = textMatcher(own);
  return type === 'suffix'
    ? { type: 'regex', value: `${scheme}.*${escaped(value)}` }
    : { type, value: `${scheme}${value}` };
}

function ofNamespace(pattern: string): TextMatcher {
  const at = pattern.indexOf('*');
  if (at < 0) return { type: 'contains', value: `/ns/${pattern}/` };
  if (at === pattern.length - 1) return { type: 'contains', value: `/ns/${pattern.slice(0, -1)}` };
  return { type: 'regex', value: `.*/ns/${pattern.split('*').map(escaped).join('.*')}/.*` };
}

function ofTrustDomain(pattern: string): TextMatcher {
  if (pattern === '*') return { type: 'prefix', value: scheme };
  if (!pattern.includes('*')) return { type: 'prefix', value: `${scheme}${pattern}/` };
  return { type: 'regex', value: `${scheme}${pattern.split('*').map(escaped).join('[^/]*')}/.*` };
}

/** Returns what the SPIFFE id of a client has to be, `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT`. */
export function identityMatcher(attribute: IdentityAttribute, value: string, trustDomain: string): TextMatcher {
  switch (attribute) {
    case 'principal':
      return ofPrincipal(value, trustDomain);
    case 'namespace':
      return ofNamespace(value);
    case 'serviceAccount':
      return { type: 'suffix', value: `/ns/${value.replace('/', '/sa/')}` };
    case 'trustDomain':
      return ofTrustDomain(value);
  }
}
