import type { IstiodUse, Kind, StandaloneRow } from '../annotation.ts';
import { drainAnnotation } from '../drain-annotation.ts';
import {
  agentLogLevel,
  cidrList,
  cidrListOrAll,
  componentLogLevel,
  duration,
  integer,
  interfaceList,
  logLevel,
  looseBoolean,
  oneOf,
  plainText,
  quantity,
  trueOrFalse,
  type Grammar,
} from '../../grammar/grammar.ts';
import { jsonObject } from '../../grammar/json-grammar.ts';
import {
  configMapName,
  imageType,
  imageWithRegistry,
  objectsByName,
  proxyConfigText,
  textsByName,
} from './annotation-grammars.ts';
import { profileLabel } from '../schema/profile.ts';
import { istioNames as names } from './annotation-names.ts';
import { singlePorts, singlePortsOrAll } from '../../grammar/single-ports.ts';

function effective(grammar?: Grammar<unknown>, note = ''): IstiodUse {
  return { mark: 'effective', grammar, note };
}

const single = 'single ports; in place of the values, not added to them';
const instead = 'in place of the values, not added to them';
const resources = 'any of the four takes the place of all resources of the values, in the init container too';
const byAgent = 'read by Istio’s agent';
const attribute = 'part of `OTEL_RESOURCE_ATTRIBUTES`, where a provider of the mesh asks for it';

const annotations: ReadonlyMap<string, IstiodUse> = new Map([
  [names.templates, effective(undefined, 'Istio’s templates too: `gateway`, `grpc-agent`, `grpc-simple`')],
  [names.nativeSidecar, effective(trueOrFalse)],
  [names.interceptionMode, effective(oneOf('REDIRECT', 'TPROXY', 'NONE'), '`TPROXY` too')],
  [names.includeOutboundIPRanges, effective(cidrListOrAll)],
  [names.excludeOutboundIPRanges, effective(cidrList, instead)],
  [names.includeInboundPorts, effective(singlePortsOrAll, 'single ports')],
  [names.excludeInboundPorts, effective(singlePorts, single)],
  [names.includeOutboundPorts, effective(singlePorts, 'single ports')],
  [names.excludeOutboundPorts, effective(singlePorts, single)],
  [names.excludeInterfaces, effective(interfaceList)],
  [names.kubevirtInterfaces, effective(interfaceList, 'counts without `istio.io/reroute-virtual-interfaces` only')],
  [names.rerouteInterfaces, effective(interfaceList)],
  [names.proxyImage, effective(imageWithRegistry, 'the image of both containers; its name has a slash')],
  [names.proxyImageType, effective(imageType, 'the ending of the tag of both images')],
  [names.proxyCPU, effective(quantity, resources)],
  [names.proxyMemory, effective(quantity, resources)],
  [names.proxyCPULimit, effective(quantity, resources)],
  [names.proxyMemoryLimit, effective(quantity, resources)],
  [names.logLevel, effective(logLevel)],
  [names.componentLogLevel, effective(componentLogLevel)],
  [names.agentLogLevel, effective(agentLogLevel, 'log level of Istio’s agent, in both containers')],
  [names.bootstrapOverride, effective(configMapName, 'a ConfigMap with a bootstrap for Envoy')],
  [names.capNetBindService, effective(trueOrFalse, 'true runs the proxy as root with NET_BIND_SERVICE')],
  [names.userVolume, effective(objectsByName, 'a JSON object by name, with any source')],
  [names.userVolumeMount, effective(objectsByName, 'a JSON object by name of the volume')],
  [names.proxyConfig, effective(proxyConfigText, 'every field of a ProxyConfig, over the mesh’s')],
  [names.overrides, effective(undefined, 'the user’s own copies of injected containers, kept by Istio’s injector')],
  [names.statusPort, effective(integer(0, 65_535))],
  [names.initialDelaySeconds, effective(integer(0, 86_400))],
  [names.periodSeconds, effective(integer(1, 86_400))],
  [names.failureThreshold, effective(integer(1, 10_000))],
  [drainAnnotation.name, effective(drainAnnotation.grammar)],
  [names.rewriteProbes, effective(looseBoolean, 'every probe goes to the agent, of captured ports or not')],
  [names.mergeMetrics, effective(looseBoolean, 'default: what the mesh says, else true')],
  [names.securePort, effective(integer(1, 65_535), 'the pod’s own value stays; else the port that the proxy opens')],
  [names.datadog, effective(textsByName, 'variables of the proxy, with `global.proxy.tracer: datadog`')],
  [names.revision, effective(undefined, 'written: the revision of the values, else `default`')],
  [names.defaultLogsContainer, effective(undefined, 'written: the first container of the application')],
  [names.otelNamespace, effective(plainText, attribute)],
  [names.otelVersion, effective(plainText, attribute)],
  [names.otelInstance, effective(plainText, attribute)],
  ...(
    [
      ['discoveryAddress', plainText],
      ['statsInclusionPrefixes', plainText],
      ['statsInclusionSuffixes', plainText],
      ['statsInclusionRegexps', plainText],
      ['extraStatTags', plainText],
      ['statsHistogramBuckets', jsonObject],
      ['statsHistogramBins', integer(1, 46_082)],
      ['statsFlushInterval', duration(0, 86_400)],
      ['statsEvictionInterval', duration(0, 86_400)],
      ['statsCompression', trueOrFalse],
    ] as const
  ).map(([name, grammar]) => [`sidecar.istio.io/${name}`, effective(grammar, byAgent)] as const),
  [
    'readiness.status.sidecar.istio.io/applicationPorts',
    { mark: 'accepted without effect', because: 'nobody reads it any more, Istio included' },
  ],
  [
    'gateway.istio.io/agentgatewayImage',
    { mark: 'accepted without effect', because: 'it is for gateways that an istiod makes itself' },
  ],
  [
    'prometheus.io/scheme',
    { mark: 'accepted without effect', because: 'the agent asks by HTTP, and so is it asked; take https away' },
  ],
]);

const labels: ReadonlyMap<string, IstiodUse> = new Map<string, IstiodUse>([
  [
    profileLabel,
    { mark: 'accepted without effect', because: 'it needs the setting `istiod.hardened`', unlessHardened: true },
  ],
  [names.tlsMode, effective(undefined, 'the pod’s own value stays, else `istio` is written')],
  [names.network, effective(undefined, 'the proxy’s network, above the address and the values')],
  [names.tunnel, effective(undefined, 'written with proxyMetadata `ISTIO_META_ENABLE_HBONE`, unless the pod has it')],
  [names.canonicalName, effective(undefined, 'written from the labels below, else the workload’s name')],
  [names.canonicalRevision, effective(undefined, 'written from the labels below, else `latest`')],
]);

const ours = 'sidecar-injector.io/';

/** The meaning of a row of the mode standalone beside an istiod. */
export function useUnderIstiod({ kind, name, mark }: StandaloneRow): IstiodUse {
  const known: Readonly<Record<Kind, ReadonlyMap<string, IstiodUse> | undefined>> = {
    annotation: annotations,
    label: labels,
    'namespace label': undefined,
  };
  const use = known[kind]?.get(name);
  if (use !== undefined) return use;
  if (name.startsWith(ours)) return { mark: 'accepted without effect', because: 'it belongs to the mode standalone' };
  return mark === 'effective' ? effective() : { mark: 'left to others' };
}
