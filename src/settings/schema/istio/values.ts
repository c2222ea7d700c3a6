import * as z from 'zod';
import { cidrList, cidrListOrAll } from '../../../grammar/grammar.ts';
import { labelSelector, written } from '../values.ts';
import { podTemplate, withoutText } from './pod-template.ts';
import { singlePorts, singlePortsOrAll } from '../../../grammar/single-ports.ts';
import { mergeInputs } from './set-path.ts';
import { flag, isPlain, json, mergeValues, text, unread, variable, whole } from './value-types.ts';

const amounts = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));
const resources = z.strictObject({ requests: amounts.optional(), limits: amounts.optional() });

const proxy = z.strictObject({
  autoInject: z.enum(['enabled', 'disabled']),
  capNetBindService: flag.optional(),
  clusterDomain: text,
  componentLogLevel: text,
  excludeIPRanges: text.pipe(written(cidrList)),
  excludeInboundPorts: text.pipe(written(singlePorts)),
  excludeOutboundPorts: text.pipe(written(singlePorts)),
  holdApplicationUntilProxyStarts: flag.optional(),
  image: text,
  includeIPRanges: text.pipe(written(cidrListOrAll)),
  includeInboundPorts: text.pipe(written(singlePortsOrAll)),
  includeOutboundPorts: text.pipe(written(singlePorts)),
  lifecycle: json.optional(),
  logLevel: text,
  outlierLogPath: text,
  privileged: flag,
  readinessFailureThreshold: whole,
  readinessInitialDelaySeconds: whole,
  readinessPeriodSeconds: whole,
  resources: resources.default({}),
  seccompProfile: json,
  startupProbe: z.strictObject({ enabled: flag, failureThreshold: whole }),
  statusPort: whole,
  tracer: text,
  ...unread('enableCoreDump readinessProbe holdApplication zipkin lightstep datadog stackdriver'),
});

const proxyInit = z.strictObject({
  forceApplyIptables: flag,
  image: text,
  ...unread('resources'),
});

const global = z.strictObject({
  caAddress: text,
  caName: text,
  hub: text,
  imagePullPolicy: z.enum(['', 'Always', 'IfNotPresent', 'Never']),
  imagePullSecrets: z.array(z.string().min(1)),
  istioNamespace: text,
  logAsJson: flag,
  logging: z.strictObject({ level: text }),
  meshID: text,
  mountMtlsCerts: flag,
  multiCluster: z.strictObject({ clusterName: text, ...unread('enabled includeEnvoyFilter globalDomainSuffix') }),
  nativeNftables: flag,
  network: text,
  pilotCertProvider: text,
  platform: text.optional(),
  proxy,
  proxy_init: proxyInit,
  sds: z.strictObject({ token: z.strictObject({ aud: text }), ...unread('enabled udsPath') }),
  sts: z.strictObject({ servicePort: whole }),
  tag: text.optional(),
  trustBundleName: text.optional(),
  variant: text,
  ...unread(`
    agentgateway arch autoscalingv2API certSigners configCluster configRootNamespace configValidation
    defaultConfigVisibilitySettings defaultNodeSelector defaultPodDisruptionBudget defaultResources defaultTolerations
    enableReaderRBAC enabled env externalIstiod gatewayClasses ipFamilies ipFamilyPolicy istiod jwtPolicy meshNetworks networkPolicy
    omitSidecarInjectorConfigMap oneNamespace operatorManageWebhooks podDNSSearchNamespaces priorityClassName
    readerServiceAccount remotePilotAddress resourceScope revision tracer trustDomain useMCP waypoint
  `),
});

const webhook = z.strictObject({
  aliases: z.record(z.string(), z.array(z.string())).optional(),
  alwaysInjectSelector: z.array(labelSelector),
  defaultTemplates: z.array(z.string()),
  injectedAnnotations: z.record(z.string(), z.string()),
  neverInjectSelector: z.array(labelSelector),
  rewriteAppHTTPProbe: flag,
  templates: z.record(z.string(), podTemplate),
  ...unread('enableNamespacesByDefault injectionURL objectSelector reinvocationPolicy'),
});

/** The Helm values that Istio's injection templates read. Values that only other charts read are accepted and ignored. */
const schema = z.strictObject({
  gateways: z.strictObject({
    securityContext: json,
    ...unread('enabled istio-ingressgateway istio-egressgateway seccompProfile'),
  }),
  global,
  pilot: z.looseObject({
    cni: z.looseObject({ enabled: flag, provider: text }),
    crlConfigMapName: text.optional(),
    env: z.record(z.string(), variable).default({}),
  }),
  revision: text,
  sidecarInjectorWebhook: webhook,
  ...unread(`
    _internal_defaults_do_not_set affinity ambient autoscaleBehavior autoscaleEnabled autoscaleMax autoscaleMin base
    compatibilityVersion configMap cpu defaultRevision deploymentAnnotations deploymentLabels envVarFrom experimental
    extraContainerArgs gatewayClasses hub image initContainers ipFamilies ipFamilyPolicy istioCni istio_cni istiodRemote
    jwksResolverExtraRootCA keepaliveMaxServerConnectionAge memory meshConfig nodeSelector ownerName pdb
    podAnnotations podLabels profile replicaCount resourceQuotas resources revisionTags rollingMaxSurge rollingMaxUnavailable
    seLinuxOptions seccompProfile serviceAccountAnnotations serviceAnnotations sidecarInjectorWebhookAnnotations tag taint telemetry
    tolerations topologySpreadConstraints traceSampling trustedZtunnelName trustedZtunnelNamespace variant
    volumeMounts volumes ztunnel
  `),
});

/** The defaults of Istio's chart, release 1.32, for all values that the templates read. */
const defaults = {
  gateways: { securityContext: {} },
  global: {
    caAddress: '',
    caName: '',
    hub: 'docker.io/istio',
    imagePullPolicy: '',
    imagePullSecrets: [],
    istioNamespace: 'istio-system',
    logAsJson: false,
    logging: { level: 'default:info' },
    meshID: '',
    mountMtlsCerts: false,
    multiCluster: { clusterName: '' },
    nativeNftables: false,
    network: '',
    pilotCertProvider: 'istiod',
    proxy: {
      autoInject: 'enabled',
      clusterDomain: 'cluster.local',
      componentLogLevel: 'misc:error',
      excludeIPRanges: '',
      excludeInboundPorts: '',
      excludeOutboundPorts: '',
      image: 'proxyv2',
      includeIPRanges: '*',
      includeInboundPorts: '*',
      includeOutboundPorts: '',
      logLevel: 'warning',
      outlierLogPath: '',
      privileged: false,
      readinessFailureThreshold: 4,
      readinessInitialDelaySeconds: 0,
      readinessPeriodSeconds: 15,
      resources: { limits: { cpu: '2000m', memory: '1024Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
      seccompProfile: {},
      startupProbe: { enabled: true, failureThreshold: 600 },
      statusPort: 15020,
      tracer: 'none',
    },
    proxy_init: { forceApplyIptables: false, image: 'proxyv2' },
    sds: { token: { aud: 'istio-ca' } },
    sts: { servicePort: 0 },
    variant: '',
  },
  pilot: { cni: { enabled: false, provider: 'default' }, env: {} },
  revision: '',
  sidecarInjectorWebhook: {
    alwaysInjectSelector: [],
    defaultTemplates: [],
    injectedAnnotations: {},
    neverInjectSelector: [],
    rewriteAppHTTPProbe: true,
    templates: {},
  },
};

/**
 * Moves values to `pilot`, where the templates read them. The chart of istiod has its own values at the root, and Istio's
 * installers have those of the node agent there.
 */
function underPilot(input: unknown): unknown {
  if (!isPlain(input)) return input;
  const { cni, env, crlConfigMapName, ...rest } = input;
  const agent = isPlain(cni) ? { enabled: cni['enabled'], provider: cni['provider'] } : {};
  const given = (entry: readonly [string, unknown]): boolean => entry[1] !== undefined;
  const own = Object.entries({
    cni: Object.fromEntries(Object.entries(agent).filter(given)),
    env,
    crlConfigMapName,
  }).filter(given);
  return mergeInputs(rest, { pilot: Object.fromEntries(own) });
}

/** Returns the names of the templates that pods get without selecting any, aliases resolved. */
function chosenTemplates({ defaultTemplates, aliases }: Readonly<Record<string, unknown>>): ReadonlySet<unknown> {
  const names: readonly unknown[] = Array.isArray(defaultTemplates) ? defaultTemplates : [];
  const chosen = names.length === 0 ? ['sidecar'] : names;
  return new Set(
    chosen.flatMap((name) => (isPlain(aliases) && typeof name === 'string' ? (aliases[name] ?? name) : name)),
  );
}

/** Returns the merged values with the templates as they came: in a patch of a pod, null has a meaning of its own. */
function withTemplates(merged: unknown, input: unknown): unknown {
  const given = isPlain(input) && isPlain(input['sidecarInjectorWebhook']) ? input['sidecarInjectorWebhook'] : {};
  const { templates } = given;
  if (!isPlain(templates) || !isPlain(merged) || !isPlain(merged['sidecarInjectorWebhook'])) return merged;
  const chosen = chosenTemplates(merged['sidecarInjectorWebhook']);
  const own = Object.fromEntries(
    Object.entries(templates)
      .filter(([, template]) => template !== null)
      .map(([name, template]) => [name, chosen.has(name) ? template : withoutText(template)]),
  );
  return { ...merged, sidecarInjectorWebhook: { ...merged['sidecarInjectorWebhook'], templates: own } };
}

/** Istio's Helm values. Missing values get the chart's defaults; null removes a default. */
export const istioValues = z.preprocess(
  (input) => withTemplates(mergeValues(defaults, underPilot(input ?? {})), input),
  schema,
);

export type IstioValues = z.output<typeof schema>;
