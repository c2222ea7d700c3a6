import { annotationNames } from '../pod/annotation-names.ts';
import type { Finding } from './annotation.ts';
import type { PodSettings } from './effective.ts';
import { groupList, groupListOrAll, looseBoolean, type Grammar } from '../grammar/grammar.ts';
import type { JsonObject } from '../json/json.ts';
import { quote } from '../grammar/problem.ts';

/** Applies a variable of the proxy's metadata to the draft. */
type Apply = (text: string, draft: PodSettings) => readonly Finding[];

const nothing: readonly Finding[] = [];

function variable<T>(
  name: string,
  grammar: Grammar<T>,
  set: (draft: PodSettings, value: T) => Finding[] | void,
): [string, Apply] {
  const apply: Apply = (text, draft) => {
    const parsed = grammar.parse(text);
    return 'problem' in parsed
      ? [{ problem: `proxyMetadata.${name}: ${parsed.problem}` }]
      : (set(draft, parsed.value) ?? nothing);
  };
  return [name, apply];
}

/** Denied and not ignored: with captured DNS but no DNS server in the proxy, names would not resolve. */
function dnsCapture(name: string): [string, Apply] {
  const problem = `proxyMetadata.${name} is not supported: the proxy has no DNS server that would answer captured queries; leave it out`;
  return variable(name, looseBoolean, (_, isWanted) => (isWanted ? [{ problem }] : undefined));
}

function dropInvalid(name: string): [string, Apply] {
  return variable(name, looseBoolean, (draft, value) => void (draft.capture.dropInvalidPackets = value));
}

/**
 * Variables of Istio's `proxyMetadata` that change the capture rules; istio-iptables reads them from its environment.
 * All others are for Istio's agent, which standalone mode does not have.
 */
const variables: ReadonlyMap<string, Apply> = new Map([
  variable('ISTIO_OUTBOUND_OWNER_GROUPS', groupListOrAll, ({ capture }, value) => {
    capture.includeOutboundGroups = value;
  }),
  variable('ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE', groupList, ({ capture }, value) => {
    capture.excludeOutboundGroups = [...capture.excludeOutboundGroups, ...value];
  }),
  dropInvalid('INVALID_DROP'),
  dropInvalid('DROP_INVALID'),
  dnsCapture('ISTIO_META_DNS_CAPTURE'),
  dnsCapture('REDIRECT_DNS'),
]);

/** Names of the supported variables, for the documentation. */
export const proxyMetadataNames: readonly string[] = [...variables.keys()];

/** Applies the metadata to the draft. All variables without effect are reported in one warning. */
export function applyProxyMetadata(draft: PodSettings, metadata: JsonObject): readonly Finding[] {
  const findings: Finding[] = [];
  const idle: string[] = [];
  for (const [name, value] of Object.entries(metadata)) {
    const apply = variables.get(name);
    if (apply === undefined) idle.push(quote(name));
    else if (typeof value === 'string') findings.push(...apply(value, draft));
    else findings.push({ problem: `proxyMetadata.${name}: must be a string: quote it` });
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
