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

/** Returns the TLS server name by which clients of the mesh call a port of a Service (as in Istio). */
export function serverNameOf(port: number, host: string): string {
  return `outbound_.${port}_._.${host}`;
}

/** Names that a peer's certificate must have: one of several (SPIFFE ids or host names), or any SPIFFE id with a prefix. */
export type PeerNames = { readonly exact: readonly string[] } | { readonly prefix: string };

/** Returns a `SubjectAltNameMatcher`: names with a scheme are URIs. */
function nameMatcher(exact: string): JsonObject {
  return { san_type: exact.includes('://') ? 'URI' : 'DNS', matcher: { exact } };
}

function nameMatchers(names: PeerNames): readonly JsonObject[] {
  return 'exact' in names ? names.exact.map(nameMatcher) : [{ san_type: 'URI', matcher: { prefix: names.prefix } }];
}

function validation(names: PeerNames): JsonObject {
  return {
    combined_validation_context: {
      default_validation_context: { match_typed_subject_alt_names: nameMatchers(names) },
      validation_context_sds_secret_config: { name: secretNames.roots, sds_config: fromControlPlane },
    },
  };
}

const tlsSocket = 'envoy.transport_sockets.tls';
const upstreamContext = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

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
  return extension(tlsSocket, upstreamContext, { sni, ...common(names, alpn) });
}

/** TLS to a server that is not of the mesh, by a client without a certificate. */
export interface ForeignTls {
  /** Server name; undefined for that of each request (`auto_sni`). */
  readonly sni: string | undefined;
  /** Names of which the certificate must have one; by default the server name. */
  readonly names: readonly string[] | undefined;
  /** Certificates of authorities, a file in the proxy's container; by default those of its image. */
  readonly caFile: string | undefined;
  readonly isUnverified: boolean;
}

/** Certificates of public authorities in Envoy's images. (`system_root_certs` is not implemented: Envoy would verify nothing.) */
const publicAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** Returns the transport socket of such a client. Envoy's default would end at TLS 1.2. */
export function foreignTls({ sni, names, caFile, isUnverified }: ForeignTls): JsonObject {
  const expected = names ?? (sni === undefined ? [] : [sni]);
  const validation_context = {
    trusted_ca: { filename: caFile ?? publicAuthorities },
    ...(expected.length === 0 ? {} : { match_typed_subject_alt_names: expected.map(nameMatcher) }),
  };
  return extension(tlsSocket, upstreamContext, {
    ...(sni === undefined ? {} : { sni }),
    common_tls_context: {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      ...(isUnverified ? {} : { validation_context }),
    },
  });
}

/** Returns the transport socket of a server of mutual TLS: no client without a certificate gets in. */
export function serverTls(names: PeerNames): JsonObject {
  return extension(tlsSocket, 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: true,
    ...common(names, []),
  });
}

/** The transport socket without TLS. */
export const plainText: JsonObject = extension(
  'envoy.transport_sockets.raw_buffer',
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
);
