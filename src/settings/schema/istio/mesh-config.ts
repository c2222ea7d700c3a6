import * as z from 'zod';
import { proxyConfig } from './proxy-config.ts';
import { flag, mergeValues, text, unread, whole } from './value-types.ts';
import type { IstioValues } from './values.ts';

/** The fields of Istio's MeshConfig (istio.io/api mesh/v1alpha1) that injection reads; only istiod reads the others. */
const schema = z.strictObject({
  defaultConfig: proxyConfig,
  enablePrometheusMerge: flag.optional(),
  extensionProviders: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  inboundTrafficPolicy: z.strictObject({ mode: z.enum(['PASSTHROUGH', 'LOCALHOST']).optional() }).optional(),
  proxyInboundListenPort: whole,
  proxyListenPort: whole,
  trustDomain: text,
  ...unread(`
    accessLogEncoding accessLogFile accessLogFormat ca caCertificates certificates configSources connectTimeout
    defaultDestinationRuleExportTo defaultHttpRetryPolicy defaultInboundHttpRetryPolicy defaultProviders
    defaultServiceExportTo defaultTrafficPolicy defaultVirtualServiceExportTo disableEnvoyListenerLog discoverySelectors dnsRefreshRate enableAutoMtls
    enableEnvoyAccessLogService enableTracing h2UpgradePolicy hboneIdleTimeout inboundClusterStatName ingressClass
    ingressControllerMode ingressSelector ingressService localityLbSetting meshMTLS mixerCheckServer mixerReportServer
    outboundClusterStatName outboundTrafficPolicy pathNormalization protocolDetectionTimeout proxyHttpPort
    rootNamespace serviceEntryVisibility serviceScopeConfigs serviceSettings tcpKeepalive thriftConfig tlsDefaults trustDomainAliases
    verifyCertificateAtClient zoneAwareLbSetting
  `),
});

const defaults = {
  defaultConfig: {},
  proxyInboundListenPort: 15_006,
  proxyListenPort: 15_001,
  trustDomain: 'cluster.local',
};

/** Istio's mesh configuration, as in key `mesh` of ConfigMap `istio`. */
export const meshConfig = z.preprocess((input) => mergeValues(defaults, input ?? {}), schema);

export type MeshConfig = z.output<typeof schema>;

/**
 * Adds to the mesh configuration what Istio's chart takes from the values, unless it is set already: the address of the
 * revision's istiod, the mesh ID and the image type of the proxy.
 */
export function completeMeshConfig(mesh: MeshConfig, { revision, global }: IstioValues): MeshConfig {
  const suffix = revision === '' ? '' : `-${revision}`;
  const { meshID, variant, istioNamespace } = global;
  return {
    ...mesh,
    defaultConfig: {
      discoveryAddress: `istiod${suffix}.${istioNamespace}.svc:15012`,
      ...(meshID === '' ? {} : { meshId: meshID }),
      ...(variant === '' ? {} : { image: { imageType: variant } }),
      ...mesh.defaultConfig,
    },
  };
}
