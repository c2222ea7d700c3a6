import { annotationNames } from '../pod/annotation-names.ts';
import type { Finding, Support } from './annotation.ts';
import { ports, reservedPorts } from '../pod/conventions.ts';
import type { PodSettings } from './effective.ts';
import { duration, integer, interceptionMode, oneOf, trueOrFalse, type Grammar } from '../grammar/grammar.ts';
import { isObject, type Json, type JsonObject } from '../json/json.ts';
import { quote } from '../grammar/problem.ts';
import { applyProxyMetadata, proxyMetadataNames } from './proxy-metadata.ts';
import { agentFields } from './schema/istio/proxy-config.ts';
import { wordsOf } from '../grammar/words.ts';
import { didYouMean } from '../grammar/suggestion.ts';

/** A key of Istio's ProxyConfig (istio/api `mesh/v1alpha1/proxy.proto`), as set in `proxy.istio.io/config`. */
export interface ProxyConfigKey {
  readonly key: string;
  readonly support: Support;
  readonly allowed: string;
  readonly doc: string;
  apply(value: Json, draft: PodSettings): readonly Finding[];
}

const nothing: readonly Finding[] = [];

/** Protobuf's JSON mapping allows strings for numbers and booleans. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function supported<T>(
  key: string,
  grammar: Grammar<T>,
  doc: string,
  set: (draft: PodSettings, value: T) => readonly Finding[] | void,
): ProxyConfigKey {
  return {
    key,
    support: 'supported',
    allowed: grammar.allowed,
    doc,
    apply(value, draft) {
      const parsed = grammar.parse(textOf(value));
      return 'problem' in parsed ? [{ problem: `${key}: ${parsed.problem}` }] : (set(draft, parsed.value) ?? nothing);
    },
  };
}

function ignored(key: string, because: string): ProxyConfigKey {
  return {
    key,
    support: 'ignored',
    allowed: 'anything',
    doc: because,
    apply: () => [{ warning: `annotation "${annotationNames.proxyConfig}": ${key} has no effect here: ${because}` }],
  };
}

function denied(key: string, because: string, harmless?: Grammar<unknown>): ProxyConfigKey {
  return {
    key,
    support: 'denied',
    allowed: harmless?.allowed ?? 'nothing',
    doc: because,
    apply(value) {
      if (harmless !== undefined && !('problem' in harmless.parse(textOf(value)))) return nothing;
      return [{ problem: `${key} is not supported: ${because}; leave it out` }];
    },
  };
}

/** Sets the port of merged metrics and application probes, and rejects ports that the proxy uses. */
export function setStatusPort(draft: PodSettings, port: number): readonly Finding[] | undefined {
  draft.proxy.statusPort = port;
  if (!reservedPorts.has(port)) return undefined;
  return [{ problem: `"${port}" is a port of the proxy itself; allowed: any other port` }];
}

/** All keys, in the order of the documentation. */
export const proxyConfigKeys: readonly ProxyConfigKey[] = [
  supported(
    'concurrency',
    integer(0, 1024),
    'Worker threads of the proxy; 0 is one a core. Without it they follow the CPU limit.',
    (draft, value) => void (draft.proxy.concurrency = value),
  ),
  supported(
    'holdApplicationUntilProxyStarts',
    trueOrFalse,
    'Whether the application starts only when the proxy takes traffic. A native sidecar with a status port is always waited for.',
    (draft, value) => void (draft.proxy.holdApplication = value),
  ),
  supported(
    'drainDuration',
    duration(1, 3600),
    'How long a pod that ends takes new connections; without it, for as long as the application does. It is at least the longest sleep of a preStop hook.',
    (draft, value) => void (draft.proxy.drainSeconds = Math.ceil(value)),
  ),
  supported(
    'terminationDrainDuration',
    duration(0, 3600),
    'How long a classic proxy goes on after it began to drain, at most 5 s less than the pod’s grace period; without it, for at least 15 s and until the application has no sockets any more. A native sidecar ends after the application anyway.',
    (draft, value) => void (draft.proxy.terminationDrainSeconds = Math.ceil(value)),
  ),
  supported(
    'interceptionMode',
    interceptionMode,
    'As `sidecar.istio.io/interceptionMode`, which wins.',
    (draft, value) => void (draft.capture.mode = value),
  ),
  {
    key: 'proxyMetadata',
    support: 'supported',
    allowed: `a map of texts; with effect: ${proxyMetadataNames.join(', ')}`,
    doc: 'Variables by which Istio changes the capture rules: groups of processes, invalid packets; captured DNS is denied. All others are for an agent, of which there is none.',
    apply(value, draft) {
      if (isObject(value)) return applyProxyMetadata(draft, value);
      return [{ problem: `proxyMetadata: ${quote(textOf(value))} is not allowed; allowed: a map of texts` }];
    },
  },
  supported('statusPort', integer(0, 65_535), 'As `status.sidecar.istio.io/port`, which wins.', setStatusPort),
  denied('binaryPath', 'the program of the proxy is its image’s', oneOf('/usr/local/bin/envoy')),
  denied('configPath', 'the proxy has its configuration in its arguments, in no file', oneOf('./etc/istio/proxy')),
  denied('customConfigFile', 'the proxy’s configuration and the capture rules are made together'),
  denied('proxyBootstrapTemplatePath', 'the proxy’s configuration and the capture rules are made together'),
  denied('proxyAdminPort', 'health, drain and metrics ask on the fixed admin port', integer(ports.admin, ports.admin)),
  ...Object.entries(agentFields).flatMap(([because, keys]) => wordsOf(keys).map((key) => ignored(key, because))),
];

const byKey = new Map(proxyConfigKeys.map((row) => [row.key, row]));

/** Applies a ProxyConfig to the draft. Unknown keys give warnings, because newer versions of Istio may define them. */
export function applyProxyConfig(draft: PodSettings, config: JsonObject): readonly Finding[] {
  return Object.entries(config).flatMap(([key, value = null]): readonly Finding[] => {
    const row = byKey.get(key);
    if (row !== undefined) return row.apply(value, draft);
    const guess = didYouMean(key, byKey.keys());
    return [
      { warning: `annotation "${annotationNames.proxyConfig}": ${quote(key)} is unknown and has no effect${guess}` },
    ];
  });
}
