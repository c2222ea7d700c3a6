import { annotationNames as names } from '../../pod/annotation-names.ts';
import { byAgent, denied, ignored, type AnnotationRow } from '../annotation.ts';
import { configMapName, imageType, textsByName } from './istio-grammars.ts';
import { agentLogLevel, duration, integer, oneOf, plainText, trueOrFalse } from '../../grammar/grammar.ts';
import { jsonObject, jsonObjectOrList } from '../../grammar/json-grammar.ts';

const noAgent = 'there is no agent beside the proxy';
const ownStatistics = 'the proxy keeps a fixed set of statistics';

/** Annotations for Istio's agent, bootstrap and control plane. */
export const agent: readonly AnnotationRow[] = [
  ignored({
    name: names.agentLogLevel,
    grammar: agentLogLevel,
    because: noAgent,
    istiod: { note: 'log level of Istio’s agent, in both containers' },
  }),
  ignored({
    name: names.proxyImageType,
    grammar: oneOf('default', 'debug', 'distroless'),
    because: 'the image is one of the settings; sidecar.istio.io/proxyImage names another',
    istiod: { grammar: imageType, note: 'the ending of the tag of both images' },
  }),
  denied({
    name: names.bootstrapOverride,
    because:
      'the proxy’s configuration and the capture rules are made together, another one would loop or lose traffic',
    instead: 'ask for what is missing by the other annotations, or by the settings',
    istiod: { grammar: configMapName, note: 'a ConfigMap with a bootstrap for Envoy' },
  }),
  denied({
    name: names.capNetBindService,
    harmless: oneOf('false'),
    because: 'the proxy never runs as root and has no capabilities; with capture it needs none for low ports',
    instead: 'leave it out, the application’s own low ports are captured as any other',
    istiod: { grammar: trueOrFalse, note: 'true runs the proxy as root with NET_BIND_SERVICE' },
  }),
  denied({
    name: 'sidecar.istio.io/discoveryAddress',
    because: 'the built-in proxy reads its configuration from no control plane',
    instead: 'leave it out, or let the control plane’s own injector inject the pod (label istio.io/rev)',
    istiod: { grammar: plainText, note: byAgent },
  }),
  ...[
    'sidecar.istio.io/statsInclusionPrefixes',
    'sidecar.istio.io/statsInclusionSuffixes',
    'sidecar.istio.io/statsInclusionRegexps',
    'sidecar.istio.io/extraStatTags',
  ].map((name) => ignored({ name, grammar: plainText, because: ownStatistics })),
  ignored({ name: 'sidecar.istio.io/statsHistogramBuckets', grammar: jsonObject, because: ownStatistics }),
  ignored({ name: 'sidecar.istio.io/statsHistogramBins', grammar: integer(1, 46_082), because: ownStatistics }),
  ignored({ name: 'sidecar.istio.io/statsFlushInterval', grammar: duration(0, 86_400), because: ownStatistics }),
  ignored({ name: 'sidecar.istio.io/statsEvictionInterval', grammar: duration(0, 86_400), because: ownStatistics }),
  ignored({
    name: 'sidecar.istio.io/statsCompression',
    grammar: trueOrFalse,
    because: 'Prometheus is answered without compression',
  }),
  ignored({
    name: 'readiness.status.sidecar.istio.io/applicationPorts',
    grammar: plainText,
    because: 'nobody reads it any more, Istio included; the application’s own readiness probe decides',
    istiod: { because: 'nobody reads it any more, Istio included' },
  }),
  ignored({
    name: names.datadog,
    grammar: jsonObjectOrList,
    because: 'the proxy has no tracer',
    istiod: { grammar: textsByName, note: 'variables of the proxy, with `global.proxy.tracer: datadog`' },
  }),
  ignored({
    name: 'gateway.istio.io/agentgatewayImage',
    grammar: plainText,
    because: 'no gateways are made here',
    istiod: { because: 'it is for gateways that an istiod makes itself' },
  }),
  ignored({
    name: names.revision,
    grammar: plainText,
    because: 'it says which Istio revision injected a pod, and none has injected this one',
    istiod: { grammar: undefined, note: 'written: the revision of the values, else `default`' },
  }),
  ignored({
    name: names.overrides,
    grammar: jsonObject,
    because: 'Istio’s injector writes it for itself; a container named istio-proxy in the pod is what overrides',
    istiod: { grammar: undefined, note: 'the user’s own copies of injected containers, kept by Istio’s injector' },
  }),
];
