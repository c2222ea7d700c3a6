import {
  agentLogLevel,
  cidrList,
  cidrListOrAll,
  componentLogLevel,
  imageReference,
  integer,
  interfaceList,
  logLevel,
  looseBoolean,
  oneOf,
  quantity,
  trueOrFalse,
  type Grammar,
} from '../grammar.ts';
import { jsonObject } from '../json-grammar.ts';
import { isObject, type JsonObject } from '../json.ts';
import { quote, type Problem } from '../problem.ts';
import { istioNames as names } from './annotation-names.ts';
import { yamlMap } from '../yaml-grammar.ts';
import { singlePorts, singlePortsOrAll } from './single-ports.ts';
import { proxyConfig, type ProxyConfig } from './proxy-config.ts';

/** A JSON object whose values are all of one kind. */
function valuesOf(allowed: string, accepts: (value: unknown) => boolean): Grammar<JsonObject> {
  return {
    allowed,
    parse(text) {
      const parsed = jsonObject.parse(text);
      if ('problem' in parsed || Object.values(parsed.value).every(accepts)) return parsed;
      return { problem: `${quote(text)} is not allowed; allowed: ${allowed}` };
    },
  };
}

/** `{"name": {…}}`, the form that Istio's injector reads (its documentation says an array). */
const objectsByName = valuesOf('a JSON object, its keys the names and its values objects', isObject);
const textsByName = valuesOf('a JSON object of texts', (value) => typeof value === 'string');

function matching(allowed: string, pattern: RegExp): Grammar<string> {
  return {
    allowed,
    parse: (text) =>
      pattern.test(text) ? { value: text } : { problem: `${quote(text)} is not allowed; allowed: ${allowed}` },
  };
}

const imageType = matching('default, debug, distroless or another ending of a tag', /^[A-Za-z0-9_.-]{1,64}$/);
const configMapName = matching('the name of a ConfigMap', /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);

/** A ProxyConfig as YAML. */
export const proxyConfigText: Grammar<ProxyConfig> = {
  allowed: yamlMap.allowed,
  parse(text) {
    const map = yamlMap.parse(text);
    if ('problem' in map) return map;
    const result = proxyConfig.safeParse(map.value);
    if (result.success) return { value: result.data };
    const [issue] = result.error.issues;
    const where = issue?.path.join('.') ?? '';
    return { problem: `is not a ProxyConfig: ${where === '' ? '' : `${where}: `}${issue?.message ?? ''}` };
  },
};

const grammars: ReadonlyMap<string, Grammar<unknown>> = new Map<string, Grammar<unknown>>([
  [names.nativeSidecar, trueOrFalse],
  [names.interceptionMode, oneOf('REDIRECT', 'TPROXY', 'NONE')],
  [names.includeOutboundIPRanges, cidrListOrAll],
  [names.excludeOutboundIPRanges, cidrList],
  [names.includeInboundPorts, singlePortsOrAll],
  [names.excludeInboundPorts, singlePorts],
  [names.includeOutboundPorts, singlePorts],
  [names.excludeOutboundPorts, singlePorts],
  [names.excludeInterfaces, interfaceList],
  [names.kubevirtInterfaces, interfaceList],
  [names.rerouteInterfaces, interfaceList],
  [names.proxyImage, imageReference],
  [names.proxyImageType, imageType],
  [names.proxyCPU, quantity],
  [names.proxyMemory, quantity],
  [names.proxyCPULimit, quantity],
  [names.proxyMemoryLimit, quantity],
  [names.logLevel, logLevel],
  [names.componentLogLevel, componentLogLevel],
  [names.agentLogLevel, agentLogLevel],
  [names.bootstrapOverride, configMapName],
  [names.capNetBindService, trueOrFalse],
  [names.userVolume, objectsByName],
  [names.userVolumeMount, objectsByName],
  [names.proxyConfig, proxyConfigText],
  [names.statusPort, integer(0, 65_535)],
  [names.initialDelaySeconds, integer(0, 86_400)],
  [names.periodSeconds, integer(1, 86_400)],
  [names.failureThreshold, integer(1, 10_000)],
  [names.rewriteProbes, looseBoolean],
  [names.mergeMetrics, looseBoolean],
  [names.datadog, textsByName],
]);

/** The value of `global.proxy` that an annotation stands in for; Istio's own messages call it by that name. */
const defaults: ReadonlyMap<string, string> = new Map([
  [names.includeOutboundIPRanges, 'includeIPRanges'],
  [names.excludeOutboundIPRanges, 'excludeIPRanges'],
  [names.includeInboundPorts, 'includeInboundPorts'],
  [names.excludeInboundPorts, 'excludeInboundPorts'],
  [names.includeOutboundPorts, 'includeOutboundPorts'],
  [names.excludeOutboundPorts, 'excludeOutboundPorts'],
  [names.statusPort, 'statusPort'],
  [names.logLevel, 'logLevel'],
  [names.componentLogLevel, 'componentLogLevel'],
]);

function withDefault(name: string, problem: string): string {
  const value = defaults.get(name);
  return value === undefined ? problem : `${problem}; without it the value global.proxy.${value} counts`;
}

/** Every bad value among Istio's annotations. */
export function annotationProblems(annotations: JsonObject | undefined): Problem[] {
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(annotations ?? {})) {
    const grammar = grammars.get(name);
    if (grammar === undefined) continue;
    const parsed =
      typeof value === 'string' ? grammar.parse(value) : { problem: `must be a string; allowed: ${grammar.allowed}` };
    if ('problem' in parsed) problems.push({ where: name, message: withDefault(name, parsed.problem) });
  }
  return problems;
}
