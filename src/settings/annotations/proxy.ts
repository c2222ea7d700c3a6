import { annotationNames as names } from '../../pod/annotation-names.ts';
import { asInStandalone, supported, type AnnotationRow } from '../annotation.ts';
import { imageWithRegistry, proxyConfigText } from './istio-grammars.ts';
import { ports } from '../../pod/conventions.ts';
import { componentLogLevel, imageReference, integer, logLevel, looseBoolean } from '../../grammar/grammar.ts';
import { applyProxyConfig, setStatusPort } from '../proxy-config.ts';
import { yamlMap } from '../../grammar/yaml-grammar.ts';

/** How long application containers may sleep before they stop, in seconds. */
export const drainSeconds = integer(0, 3600);

/** How the proxy runs. */
export const proxy: readonly AnnotationRow[] = [
  supported({
    name: names.proxyConfig,
    grammar: yamlMap,
    defaultText: 'none',
    doc: 'Istio’s ProxyConfig; its keys are below. The annotations of their own win over it.',
    set: applyProxyConfig,
    istiod: { grammar: proxyConfigText, note: 'every field of a ProxyConfig, over the mesh’s' },
  }),
  supported({
    name: names.proxyImage,
    grammar: imageReference,
    defaultText: 'setting `proxy.image`',
    doc: 'Another image for the proxy; it must match the setting `proxy.allowedImages`.',
    set: (draft, value) => void (draft.proxy.image = value),
    istiod: { grammar: imageWithRegistry, note: 'the image of both containers; its name has a slash' },
  }),
  supported({
    name: names.logLevel,
    grammar: logLevel,
    defaultText: 'setting `proxy.logLevel` (warning)',
    doc: 'Envoy’s log level.',
    set: (draft, value) => void (draft.proxy.logLevel = value),
    istiod: { value: 'logLevel' },
  }),
  supported({
    name: names.componentLogLevel,
    grammar: componentLogLevel,
    defaultText: 'setting `proxy.componentLogLevel` (misc:error)',
    doc: 'Envoy’s log level of single components.',
    set: (draft, value) => void (draft.proxy.componentLogLevel = value),
    istiod: { value: 'componentLogLevel' },
  }),
  supported({
    name: names.rewriteProbes,
    grammar: looseBoolean,
    defaultText: 'setting `probes.rewrite` (true)',
    doc: 'Whether the kubelet’s probes of captured ports go to the status port; with false those ports are excluded from capture.',
    set: (draft, value) => void (draft.rewriteProbes = value),
    istiod: { note: 'every probe goes to the agent, of captured ports or not' },
  }),
  supported({
    name: names.statusPort,
    grammar: integer(0, 65_535),
    defaultText: `setting \`proxy.statusPort\` (${ports.status})`,
    doc: 'Port of merged metrics and application probes; 0 means none, the proxy then has no probes of its own either.',
    set: setStatusPort,
    istiod: { value: 'statusPort' },
  }),
  supported({
    name: names.initialDelaySeconds,
    grammar: integer(0, 86_400),
    defaultText: 'setting `proxy.readiness.initialDelaySeconds` (0)',
    doc: 'Delay of the proxy’s readiness probe in seconds.',
    set: (draft, value) => void (draft.proxy.readiness.initialDelaySeconds = value),
  }),
  supported({
    name: names.periodSeconds,
    grammar: integer(1, 86_400),
    defaultText: 'setting `proxy.readiness.periodSeconds` (15)',
    doc: 'Period of the proxy’s readiness probe in seconds.',
    set: (draft, value) => void (draft.proxy.readiness.periodSeconds = value),
  }),
  supported({
    name: names.failureThreshold,
    grammar: integer(1, 10_000),
    defaultText: 'setting `proxy.readiness.failureThreshold` (4)',
    doc: 'Failed readiness probes of the proxy before the pod counts as not ready.',
    set: (draft, value) => void (draft.proxy.readiness.failureThreshold = value),
  }),
  supported({
    name: names.applicationDrainSeconds,
    grammar: drainSeconds,
    defaultText: 'setting `proxy.applicationDrainSeconds` (0)',
    doc: 'Seconds that application containers without a preStop hook sleep before they are asked to stop, so that requests on their way to the pod are served; less than the pod’s grace period, and on Kubernetes 1.30 or later. 0 means no hook.',
    set: (draft, value) => void (draft.proxy.applicationDrainSeconds = value),
    istiod: asInStandalone,
  }),
];
