import { parse as parseYaml } from 'yaml';
import {
  cidrList,
  cidrListOrAll,
  componentLogLevel,
  imageReference,
  integer,
  interfaceList,
  logLevel,
  looseBoolean,
  oneOf,
  portList,
  portListOrAll,
  quantity,
  trueOrFalse,
  type Grammar,
} from '../grammar.ts';
import { isObject, type JsonObject } from '../json.ts';
import { quote, type Problem } from '../problem.ts';
import type { PortRange } from '../port-range.ts';
import { istioNames as names } from './annotation-names.ts';
import { proxyConfig, type ProxyConfig } from './proxy-config.ts';

function objectsByName(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(value) ? value : undefined;
}

/** `{"name": {…}}`, the form that Istio's injector reads (its documentation says an array). */
export const jsonObject: Grammar<JsonObject> = {
  allowed: 'a JSON object, its keys the names and its values objects',
  parse(text) {
    const value = objectsByName(text);
    if (value !== undefined && Object.values(value).every(isObject)) return { value };
    return { problem: `${quote(text)} is not allowed; allowed: ${this.allowed}` };
  },
};

const jsonTexts: Grammar<JsonObject> = {
  allowed: 'a JSON object of texts',
  parse(text) {
    const value = objectsByName(text);
    if (value !== undefined && Object.values(value).every((entry) => typeof entry === 'string')) return { value };
    return { problem: `${quote(text)} is not allowed; allowed: ${this.allowed}` };
  },
};

/** istio-iptables knows no ranges in its arguments. */
function singles<T extends 'all' | readonly PortRange[]>(inner: Grammar<T>): Grammar<T> {
  const allowed = inner.allowed.replace(/ and ranges such as [\d-]+/, '');
  return {
    allowed,
    parse(text) {
      const parsed = inner.parse(text);
      const isRange =
        'value' in parsed && parsed.value !== 'all' && parsed.value.some(({ first, last }) => first !== last);
      return isRange || 'problem' in parsed
        ? { problem: `${quote(text)} is not allowed; allowed: ${allowed}` }
        : parsed;
    },
  };
}

export const singlePorts = singles(portList);
export const singlePortsOrAll = singles(portListOrAll);

function matching(allowed: string, pattern: RegExp): Grammar<string> {
  return {
    allowed,
    parse: (text) =>
      pattern.test(text) ? { value: text } : { problem: `${quote(text)} is not allowed; allowed: ${allowed}` },
  };
}

/** `scope:level` pairs of Istio's own logging; `all`, `default` and its components are scopes. */
const agentLogLevel = matching(
  'a comma list of scope:level, level one of debug, info, warn, error, fatal, none',
  /^(?:[a-zA-Z0-9_-]+:)?(?:debug|info|warn|error|fatal|none)(?:,[a-zA-Z0-9_-]+:(?:debug|info|warn|error|fatal|none))*$/,
);

const imageType = matching('default, debug, distroless or another ending of a tag', /^[A-Za-z0-9_.-]{1,64}$/);
const configMapName = matching('the name of a ConfigMap', /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);

/** Longest value of `proxy.istio.io/config` that is parsed; YAML of that size takes milliseconds. */
const longestConfig = 65_536;

/** A ProxyConfig as YAML. */
export const proxyConfigText: Grammar<ProxyConfig> = {
  allowed: 'a ProxyConfig as YAML',
  parse(text) {
    if (text.length > longestConfig)
      return { problem: `has ${text.length} characters, at most ${longestConfig} are allowed` };
    let value: unknown;
    try {
      value = parseYaml(text, { maxAliasCount: 0, version: '1.1' }) ?? {};
    } catch (error) {
      const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
      return { problem: `is not YAML: ${sentence}` };
    }
    const result = proxyConfig.safeParse(value);
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
  [names.userVolume, jsonObject],
  [names.userVolumeMount, jsonObject],
  [names.proxyConfig, proxyConfigText],
  [names.statusPort, integer(0, 65_535)],
  [names.initialDelaySeconds, integer(0, 86_400)],
  [names.periodSeconds, integer(1, 86_400)],
  [names.failureThreshold, integer(1, 10_000)],
  [names.rewriteProbes, looseBoolean],
  [names.mergeMetrics, looseBoolean],
  [names.datadog, jsonTexts],
]);

/** Every bad value among Istio's annotations. */
export function annotationProblems(annotations: JsonObject | undefined): Problem[] {
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(annotations ?? {})) {
    const grammar = grammars.get(name);
    if (grammar === undefined) continue;
    const parsed =
      typeof value === 'string' ? grammar.parse(value) : { problem: `must be a string; allowed: ${grammar.allowed}` };
    if ('problem' in parsed) problems.push({ where: name, message: parsed.problem });
  }
  return problems;
}
