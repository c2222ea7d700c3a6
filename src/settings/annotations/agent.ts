import { refused, withoutEffect, type StandaloneRow } from '../annotation.ts';
import { agentLogLevel, duration, integer, oneOf, plainText, trueOrFalse } from '../../grammar/grammar.ts';
import { jsonObject, jsonObjectOrList } from '../../grammar/json-grammar.ts';

const noAgent = 'there is no agent beside the proxy';
const ownStatistics = 'the proxy keeps a fixed set of statistics';

/** What Istio's agent, its bootstrap and its control plane read. */
export const agent: readonly StandaloneRow[] = [
  withoutEffect({ name: 'sidecar.istio.io/agentLogLevel', grammar: agentLogLevel, because: noAgent }),
  withoutEffect({
    name: 'sidecar.istio.io/proxyImageType',
    grammar: oneOf('default', 'debug', 'distroless'),
    because: 'the image is one of the settings; sidecar.istio.io/proxyImage names another',
  }),
  refused({
    name: 'sidecar.istio.io/bootstrapOverride',
    because:
      'the proxy’s configuration and the capture rules are made together, another one would loop or lose traffic',
    instead: 'ask for what is missing by the other annotations, or by the settings',
  }),
  refused({
    name: 'sidecar.istio.io/capNetBindService',
    harmless: oneOf('false'),
    because: 'the proxy never runs as root and has no capabilities; with capture it needs none for low ports',
    instead: 'leave it out, the application’s own low ports are captured as any other',
  }),
  refused({
    name: 'sidecar.istio.io/discoveryAddress',
    because: 'the built-in proxy reads its configuration from no control plane',
    instead: 'leave it out, or let the control plane’s own injector inject the pod (label istio.io/rev)',
  }),
  ...(['statsInclusionPrefixes', 'statsInclusionSuffixes', 'statsInclusionRegexps', 'extraStatTags'] as const).map(
    (name) => withoutEffect({ name: `sidecar.istio.io/${name}`, grammar: plainText, because: ownStatistics }),
  ),
  withoutEffect({ name: 'sidecar.istio.io/statsHistogramBuckets', grammar: jsonObject, because: ownStatistics }),
  withoutEffect({
    name: 'sidecar.istio.io/statsHistogramBins',
    grammar: integer(1, 46_082),
    because: ownStatistics,
  }),
  withoutEffect({ name: 'sidecar.istio.io/statsFlushInterval', grammar: duration(0, 86_400), because: ownStatistics }),
  withoutEffect({
    name: 'sidecar.istio.io/statsEvictionInterval',
    grammar: duration(0, 86_400),
    because: ownStatistics,
  }),
  withoutEffect({
    name: 'sidecar.istio.io/statsCompression',
    grammar: trueOrFalse,
    because: 'Prometheus is answered without compression',
  }),
  withoutEffect({
    name: 'readiness.status.sidecar.istio.io/applicationPorts',
    grammar: plainText,
    because: 'nobody reads it any more, Istio included; the application’s own readiness probe decides',
  }),
  withoutEffect({
    name: 'apm.datadoghq.com/env',
    grammar: jsonObjectOrList,
    because: 'the proxy has no tracer',
  }),
  withoutEffect({
    name: 'gateway.istio.io/agentgatewayImage',
    grammar: plainText,
    because: 'no gateways are made here',
  }),
  withoutEffect({
    name: 'istio.io/rev',
    grammar: plainText,
    because: 'it says which Istio revision injected a pod, and none has injected this one',
  }),
  withoutEffect({
    name: 'proxy.istio.io/overrides',
    grammar: jsonObject,
    because: 'Istio’s injector writes it for itself; a container named istio-proxy in the pod is what overrides',
  }),
];
