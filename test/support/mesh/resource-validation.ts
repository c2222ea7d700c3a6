import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageFilters } from '../../../src/envoy/grpc-messages.ts';
import { grpcUpstream, transparentHttp } from '../../../src/envoy/http.ts';
import { ruleFilters } from '../../../src/envoy/rule-filters.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { envoyBinary } from '../network/envoy.ts';

/** A listener with these routes, which may name clusters that are not there, as those of a control plane may. */
function listenerOf(routes: JsonObject, index: number): JsonObject {
  const manager = transparentHttp({
    name: 'outbound',
    routes: { inline: { ...routes, validate_clusters: false } },
    forwardedProto: 'copied',
    filters: [...ruleFilters, ...messageFilters('service')],
    accessLog: [],
    tracing: undefined,
  });
  return {
    name: `listener-${index}`,
    address: { socket_address: { address: '127.0.0.1', port_value: 20_000 + index } },
    bind_to_port: false,
    filter_chains: [{ filters: [manager] }],
  };
}

/** Source of secrets and endpoints: validation of Envoy 1.40 crashes where secrets come with everything else (`ads`). */
const source = JSON.stringify({
  api_type: 'DELTA_GRPC',
  transport_api_version: 'V3',
  grpc_services: [{ envoy_grpc: { cluster_name: 'control-plane' } }],
});

const controlPlane: JsonObject = {
  name: 'control-plane',
  load_assignment: { cluster_name: 'control-plane' },
  typed_extension_protocol_options: grpcUpstream,
};

/** What `envoy --mode validate` has to say against clusters and routes of a control plane; empty when they are good. */
export function validateResources(resources: readonly Resource[]): string {
  const jsonOf = (kind: Resource['kind']): readonly JsonObject[] =>
    resources.filter((one) => one.kind === kind).map(({ json }) => json);
  const config = {
    node: { id: 'proxy', cluster: 'proxies' },
    static_resources: { clusters: [controlPlane, ...jsonOf('cluster')], listeners: jsonOf('routes').map(listenerOf) },
  };
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-validation-'));
  try {
    const file = path.join(folder, 'bootstrap.json');
    writeFileSync(file, JSON.stringify(config).replaceAll('"ads":{}', `"api_config_source":${source}`));
    const words = ['--mode', 'validate', '--config-path', file, '--log-level', 'warning'];
    const { status, stderr } = spawnSync(envoyBinary(), words, { encoding: 'utf8' });
    const complaints = stderr.split('\n').filter((line) => line.includes('eprecated'));
    return status === 0 ? complaints.join('\n') : `exit code ${status}: ${stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
