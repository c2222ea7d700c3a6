import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';
import { fromControlPlane } from './mesh-tls.ts';

/** Where a proxy gets its configuration, and by what both sides know each other. */
export interface ControlPlane {
  /** Host and port. */
  readonly address: string;
  /** Root certificates of the control plane, PEM. */
  readonly roots: string;
  /** Path of the service account token that the proxy shows. */
  readonly tokenPath: string;
}

/** Reads the token anew for each stream, so that a renewed one is used. It only goes over TLS. */
const tokenPlugin = 'envoy.grpc_credentials.file_based_metadata';

function grpcService({ address, roots, tokenPath }: ControlPlane): JsonObject {
  return {
    target_uri: `dns:///${address}`,
    stat_prefix: 'control_plane',
    credentials_factory_name: tokenPlugin,
    channel_credentials: { ssl_credentials: { root_certs: { inline_string: roots } } },
    call_credentials: [
      {
        from_plugin: extension(tokenPlugin, 'envoy.config.grpc_credential.v3.FileBasedMetadataConfig', {
          secret_data: { filename: tokenPath },
          header_key: 'authorization',
          header_prefix: 'Bearer ',
        }),
      },
    ],
    channel_args: {
      args: {
        // A control plane that has vanished is noticed, and after an outage the stream is back within seconds.
        'grpc.keepalive_time_ms': { int_value: '30000' },
        'grpc.keepalive_timeout_ms': { int_value: '10000' },
        'grpc.max_reconnect_backoff_ms': { int_value: '5000' },
        'grpc.initial_reconnect_backoff_ms': { int_value: '500' },
        // Variables such as https_proxy, which something writes into all containers, are not meant for it.
        'grpc.enable_http_proxy': { int_value: '0' },
        // All listeners of a first answer are one message. The default of 4 MiB ends the stream, over and over, from 400 Services on.
        'grpc.max_receive_message_length': { int_value: '-1' },
      },
    },
  };
}

/**
 * Returns `dynamic_resources` of a bootstrap: clusters and listeners by one stream of delta ADS, and by it all that they
 * refer to. Nothing listens before the first answer.
 */
export function dynamicResources(control: ControlPlane): JsonObject {
  const source = { ...fromControlPlane, initial_fetch_timeout: '0s' };
  return {
    ads_config: {
      api_type: 'DELTA_GRPC',
      transport_api_version: 'V3',
      set_node_on_first_message_only: true,
      grpc_services: [{ google_grpc: grpcService(control) }],
    },
    cds_config: source,
    lds_config: source,
  };
}
