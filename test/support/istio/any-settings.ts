import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import type { Way } from './any-pod.ts';
import { anyTemplate, customTemplate } from './any-template.ts';

/** What an installation is given, in the form that both injectors are told. */
export interface IstioSettings {
  /** Helm values, laid over the chart's defaults. */
  readonly values: JsonObject;
  readonly meshConfig: JsonObject;
  readonly native: boolean;
  readonly openShift: boolean;
  /** COMPLIANCE_POLICY of istiod. */
  readonly compliance: string;
}

type Paths = Readonly<Record<string, readonly [Json, ...Json[]]>>;

/** Values by path with what they may be. */
const values: Paths = {
  'global.caAddress': ['ca.example:15012'],
  'global.caName': ['GkeWorkloadCertificate'],
  'global.hub': ['other.example'],
  'global.imagePullPolicy': ['Always'],
  'global.imagePullSecrets': [['pull'], ['pull', 'more']],
  'global.logAsJson': [true],
  'global.logging.level': ['default:debug'],
  'global.meshID': ['mesh'],
  'global.mountMtlsCerts': [true],
  'global.multiCluster.clusterName': ['west'],
  'global.nativeNftables': [true],
  'global.network': ['network1'],
  'global.pilotCertProvider': ['kubernetes', 'none'],
  'global.proxy.capNetBindService': [true, 'true'],
  'global.proxy.clusterDomain': ['c.example'],
  'global.proxy.componentLogLevel': ['misc:info'],
  'global.proxy.excludeIPRanges': ['10.1.0.0/16'],
  'global.proxy.excludeInboundPorts': ['7', '7,15020'],
  'global.proxy.excludeOutboundPorts': ['9'],
  'global.proxy.holdApplicationUntilProxyStarts': [true],
  'global.proxy.image': ['proxy', 'r.example/proxy:2'],
  'global.proxy.includeIPRanges': ['10.0.0.0/8', ''],
  'global.proxy.includeInboundPorts': ['80', ''],
  'global.proxy.includeOutboundPorts': ['443'],
  'global.proxy.lifecycle': [{ preStop: { exec: { command: ['sleep', '1'] } } }],
  'global.proxy.logLevel': ['debug'],
  'global.proxy.outlierLogPath': ['/dev/stdout'],
  'global.proxy.privileged': [true],
  'global.proxy.readinessFailureThreshold': [9],
  'global.proxy.readinessInitialDelaySeconds': [2],
  'global.proxy.readinessPeriodSeconds': [8],
  'global.proxy.resources': [{ limits: { cpu: null } }, { requests: { cpu: '1' } }, {}],
  'global.proxy.seccompProfile': [{ type: 'RuntimeDefault' }],
  'global.proxy.startupProbe.enabled': [false],
  'global.proxy.startupProbe.failureThreshold': [5],
  'global.proxy.statusPort': [15_022, 0],
  'global.proxy.tracer': ['datadog', 'lightstep'],
  'global.proxy_init.forceApplyIptables': [true],
  'global.proxy_init.image': ['init', 'r.example/init:2'],
  'global.sds.token.aud': ['other'],
  'global.sts.servicePort': [15_463],
  'global.trustBundleName': ['bundle'],
  'global.variant': ['distroless', 'debug'],
  resourceQuotas: [{ enabled: true }],
  seLinuxOptions: [{ type: 'spc_t' }],
  'global.enableReaderRBAC': [true],
  'global.revision': ['other'],
  'gateways.securityContext': [{ runAsUser: 5, sysctls: [] }],
  'gateways.seccompProfile': [{ type: 'RuntimeDefault' }],
  'gateways.enabled': [true],
  'istioCni.enabled': [true],
  'istio_cni.enabled': [true],
  'pilot.cni.enabled': [true],
  'pilot.cni.provider': ['multus'],
  'pilot.env': [{ ENABLE_CLUSTER_TRUST_BUNDLE_API: true }, { OTHER: 'x' }],
  'sidecarInjectorWebhook.rewriteAppHTTPProbe': [false],
  revision: ['canary'],
};

/** Values that only the webhook reads: kube-inject with files does not know them. */
const gate: Paths = {
  'global.proxy.autoInject': ['disabled'],
  'sidecarInjectorWebhook.neverInjectSelector': [[{ matchLabels: { app: 'w' } }]],
  'sidecarInjectorWebhook.alwaysInjectSelector': [[{ matchExpressions: [{ key: 'version', operator: 'Exists' }] }]],
  'sidecarInjectorWebhook.injectedAnnotations': [{ 'example.com/added': 'yes' }],
};

const meshConfig: Paths = {
  'defaultConfig.concurrency': [0, 4],
  'defaultConfig.holdApplicationUntilProxyStarts': [true, false],
  'defaultConfig.interceptionMode': ['TPROXY', 'REDIRECT'],
  'defaultConfig.image.imageType': ['distroless', 'default'],
  'defaultConfig.proxyMetadata': [{ A: 'a' }, { ISTIO_META_ENABLE_HBONE: 'true', Z: '1' }],
  'defaultConfig.statusPort': [15_023],
  'defaultConfig.tracing': [{ zipkin: { address: 'z:9411' } }, { tlsSettings: { caCertificates: '/etc/ca/root.pem' } }],
  'defaultConfig.drainDuration': ['50s'],
  'defaultConfig.gatewayTopology': [{ forwardClientCertDetails: 'SANITIZE' }],
  'defaultConfig.runtimeValues': [{ c: 'd' }],
  'defaultConfig.discoveryAddress': ['d.example:15012'],
  'defaultConfig.proxyHeaders': [{ requestId: { disabled: true } }],
  'defaultConfig.extraStatTags': [['x']],
  'defaultConfig.terminationDrainDuration': ['6s'],
  'defaultConfig.connectionSettings': [{}],
  defaultTrafficPolicy: [{}],
  zoneAwareLbSetting: [{}],
  enablePrometheusMerge: [true, false],
  extensionProviders: [
    [{ name: 'o', opentelemetry: { service: 's', port: 1, serviceAttributeEnrichment: 'OTEL_SEMANTIC_CONVENTIONS' } }],
    [{ name: 'z', zipkin: { service: 's', port: 1 } }],
  ],
  'inboundTrafficPolicy.mode': ['LOCALHOST', 'PASSTHROUGH'],
  proxyListenPort: [15_101],
  proxyInboundListenPort: [15_106],
  trustDomain: ['t.example'],
  accessLogFile: ['/dev/stdout'],
};

/** One object with the value at its path. */
function at(path: string, value: Json): JsonObject {
  return path.split('.').reduceRight<Json>((inner, key) => ({ [key]: inner }), value) as JsonObject;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function joined(one: JsonObject, other: JsonObject): JsonObject {
  const entries = Object.entries(other).map(([key, value = null]): [string, Json] => {
    const below = one[key];
    return [key, isObject(below) && isObject(value) ? joined(below, value) : value];
  });
  return { ...one, ...Object.fromEntries(entries) };
}

function anyOf(paths: Paths, maxLength: number): fc.Arbitrary<JsonObject> {
  const entry = fc
    .constantFrom(...Object.entries(paths))
    .chain(([path, choices]) => fc.constantFrom(...choices).map((value) => ({ path, value })));
  return fc
    .uniqueArray(entry, { maxLength, selector: ({ path }) => path })
    .map((all) => all.map(({ path, value }) => at(path, value)).reduce<JsonObject>(joined, {}));
}

/** Settings that both injectors support, for pods that come this way. */
export function anySettings(way: Way): fc.Arbitrary<IstioSettings> {
  const tag = fc.constantFrom<Json>('1.28.0', '1.28.0-distroless');
  return fc
    .tuple(
      anyOf(way === 'file' ? values : { ...values, ...gate }, 6),
      anyOf(meshConfig, 4),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom('', '', '', 'fips-140-2', 'fips-140-3'),
      tag,
      anyTemplate,
    )
    .map(([own, mesh, native, openShift, compliance, version, template]) => ({
      values: [
        { sidecarInjectorWebhook: { templates: { [customTemplate]: template } } },
        { global: { hub: 'r.example/istio', tag: version } },
        own,
      ].reduce(joined),
      meshConfig: mesh,
      native,
      openShift: openShift && way !== 'file',
      compliance,
    }));
}
