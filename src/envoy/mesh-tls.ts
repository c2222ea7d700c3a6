import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';

/** Source of a resource that comes on the proxy's one stream (`envoy.config.core.v3.ConfigSource`). */
export const fromControlPlane: JsonObject = { ads: {}, resource_api_version: 'V3' };

/** Names of the secrets that a control plane sends (as in Istio). */
export const secretNames = { certificate: 'default', roots: 'ROOTCA' } as const;

/**
 * Application protocols by which proxies tell each other what is inside a connection of mutual TLS, so that the server need
 * not read it first.
 */
export const meshProtocols = { http: 'mesh-http', tcp: 'mesh' } as const;

/** Names that a peer's certificate must have, as SPIFFE ids. */
export type PeerNames = { readonly exact: readonly string[] } | { readonly prefix: string };

function validation(names: PeerNames): JsonObject {
  const matchers: readonly JsonObject[] =
    'exact' in names ? names.exact.map((exact) => ({ exact })) : [{ prefix: names.prefix }];
  return {
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: matchers.map((matcher) => ({ san_type: 'URI', matcher })),
      },
      validation_context_sds_secret_config: { name: secretNames.roots, sds_config: fromControlPlane },
    },
  };
}

function common(names: PeerNames, alpn: readonly string[]): JsonObject {
  return {
    common_tls_context: {
      ...(alpn.length === 0 ? {} : { alpn_protocols: alpn }),
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificate_sds_secret_configs: [{ name: secretNames.certificate, sds_config: fromControlPlane }],
      ...validation(names),
    },
  };
}

/** Returns the transport socket of a client of mutual TLS. */
export function clientTls(sni: string, names: PeerNames, alpn: readonly string[]): JsonObject {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    sni,
    ...common(names, alpn),
  });
}

/** Returns the transport socket of a server of mutual TLS: no client without a certificate gets in. */
export function serverTls(names: PeerNames): JsonObject {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: true,
    ...common(names, []),
  });
}

/** The transport socket without TLS. */
export const plainText: JsonObject = extension(
  'envoy.transport_sockets.raw_buffer',
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
);
