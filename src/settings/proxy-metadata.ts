import { annotationNames } from '../pod/annotation-names.ts';
import type { Finding } from './annotation.ts';
import type { Effective } from './effective.ts';
import { groupList, groupListOrAll, looseBoolean, type Grammar } from '../grammar/grammar.ts';
import type { JsonObject } from '../json/json.ts';
import { quote } from '../grammar/problem.ts';

/** What one variable of the proxy's metadata does. */
type Apply = (text: string, draft: Effective) => readonly Finding[];

const nothing: readonly Finding[] = [];

function variable<T>(name: string, grammar: Grammar<T>, set: (draft: Effective, value: T) => Finding[] | void): Apply {
  return (text, draft) => {
    const parsed = grammar.parse(text);
    return 'problem' in parsed
      ? [{ problem: `proxyMetadata.${name}: ${parsed.problem}` }]
      : (set(draft, parsed.value) ?? nothing);
  };
}

/** Captured queries would find nobody: names would stop resolving, so silence would be worse than a denial. */
function dnsCapture(name: string): [string, Apply] {
  const problem = `proxyMetadata.${name} is refused: the proxy has no DNS server that would answer captured queries; leave it out`;
  return [name, variable(name, looseBoolean, (_, isWanted) => (isWanted ? [{ problem }] : undefined))];
}

function dropInvalid(name: string): [string, Apply] {
  return [name, variable(name, looseBoolean, (draft, value) => void (draft.capture.dropInvalidPackets = value))];
}

/**
 * Variables by which Istio's `proxyMetadata` changes the capture rules (istio-iptables reads them in its environment).
 * All others are for the agent, of which there is none.
 */
const variables: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  [
    'ISTIO_OUTBOUND_OWNER_GROUPS',
    variable('ISTIO_OUTBOUND_OWNER_GROUPS', groupListOrAll, (draft, value) => {
      draft.capture.includeOutboundGroups = value;
    }),
  ],
  [
    'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE',
    variable('ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE', groupList, ({ capture }, value) => {
      capture.excludeOutboundGroups = [...capture.excludeOutboundGroups, ...value];
    }),
  ],
  dropInvalid('INVALID_DROP'),
  dropInvalid('DROP_INVALID'),
  dnsCapture('ISTIO_META_DNS_CAPTURE'),
  dnsCapture('REDIRECT_DNS'),
]);

/** Names of the variables that have an effect, for the documentation. */
export const proxyMetadataNames: readonly string[] = [...variables.keys()];

/** Reads the metadata into the draft; what has no effect is remarked, all at once. */
export function applyProxyMetadata(draft: Effective, metadata: JsonObject): readonly Finding[] {
  const findings: Finding[] = [];
  const idle: string[] = [];
  for (const [name, value] of Object.entries(metadata)) {
    const apply = variables.get(name);
    if (apply === undefined) idle.push(quote(name));
    else if (typeof value === 'string') findings.push(...apply(value, draft));
    else findings.push({ problem: `proxyMetadata.${name}: must be a string` });
  }
  if (idle.length === 0) return findings;
  const because = 'there is no agent beside the proxy';
  return [
    ...findings,
    {
      warning: `annotation "${annotationNames.proxyConfig}": proxyMetadata ${idle.join(', ')} has no effect here: ${because}`,
    },
  ];
}
