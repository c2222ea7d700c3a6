import { spawnSync } from 'node:child_process';
import type { DescMessage } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { captureClusters } from '../../src/envoy/clusters.ts';
import { meshListeners } from '../support/mesh/inbound.ts';
import type { JsonObject } from '../../src/json/json.ts';
import type { Kind } from '../../src/mesh/resources/kinds.ts';
import { createEncoder } from '../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../src/mesh/wire/envoy-types.ts';
import { envoyIntents } from '../support/builders/envoy-intents.ts';
import { readEnvoyTypes } from '../support/envoy-api/file-descriptors.ts';
import { envoyBinary } from '../support/network/envoy.ts';

const types = loadEnvoyTypes();
const encoder = createEncoder(types);

function messagesOf(all: Iterable<{ readonly kind: string }>): DescMessage[] {
  return [...all].filter(
    (one): one is DescMessage => one.kind === 'message' && (one as DescMessage).typeName.startsWith('envoy.'),
  );
}

const fieldsOf = (message: DescMessage): string[] =>
  message.fields.map(({ name, number, fieldKind }) => `${number} ${name} ${fieldKind}`);

test('the types are those of the Envoy that is tested', () => {
  const binary = readEnvoyTypes(envoyBinary());
  const messages = messagesOf(types.registry);
  const known = messages.filter(({ typeName }) => binary.getMessage(typeName) !== undefined);
  // What is not in the binary are services and options that Envoy itself does not read.
  expect(known.length).toBeGreaterThan(messages.length * 0.9);
  for (const message of known) {
    const other = binary.getMessage(message.typeName);
    expect([message.typeName, fieldsOf(message)]).toEqual([
      message.typeName,
      other === undefined ? [] : fieldsOf(other),
    ]);
  }
});

describe('what the proxies without a control plane have is encoded', () => {
  test.each(Object.entries(envoyIntents))('%s', (_, intent) => {
    const traffic = { ...intent, self: { address: '10.1.2.3', name: 'web', namespace: 'shop' } };
    const resources = [
      ...meshListeners(traffic).map((json) => ['listener', json] as const),
      ...captureClusters(traffic).map((json) => ['cluster', json] as const),
    ];
    for (const [kind, json] of resources) {
      expect(encoder.encode({ kind, name: 'x', json })).toHaveProperty(
        'version',
        expect.stringMatching(/^[0-9a-f]{16}$/),
      );
    }
  });
});

/** What Envoy says of a resource as part of its configuration; empty if it accepts it. */
function envoySays(kind: Kind, json: JsonObject): string {
  const listener = (routes: JsonObject): JsonObject => ({
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: 'http',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: 'x',
              route_config: routes,
              http_filters: [
                {
                  name: 'router',
                  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                },
              ],
            },
          },
        ],
      },
    ],
  });
  const parts: Readonly<Record<string, JsonObject>> = {
    cluster: { clusters: [json] },
    listener: { listeners: [json] },
    routes: { listeners: [listener(json)], clusters: [{ name: 'c' }] },
  };
  const config = JSON.stringify({ static_resources: parts[kind] });
  const { status, stderr } = spawnSync(envoyBinary(), ['--mode', 'validate', '--config-yaml', config], {
    encoding: 'utf8',
  });
  return status === 0 ? '' : stderr;
}

const route = (more: JsonObject): JsonObject => ({ match: { prefix: '/' }, route: { cluster: 'c' }, ...more });
const routes = (...all: readonly JsonObject[]): JsonObject => ({
  name: 'r',
  virtual_hosts: [{ name: 'v', domains: ['*'], routes: all }],
});

describe('Envoy and the check before it agree', () => {
  test.each<[string, Kind, JsonObject, string | undefined]>([
    ['a cluster', 'cluster', { name: 'c' }, undefined],
    ['a cluster without a name', 'cluster', { name: '' }, '/name'],
    [
      'a cluster with a connect timeout of nothing',
      'cluster',
      { name: 'c', connect_timeout: '0s' },
      '/connect_timeout',
    ],
    [
      'a priority above 128',
      'cluster',
      { name: 'c', load_assignment: { cluster_name: 'c', endpoints: [{ priority: 129 }] } },
      '/load_assignment/endpoints/0/priority',
    ],
    [
      'a weight of 0',
      'cluster',
      {
        name: 'c',
        load_assignment: {
          cluster_name: 'c',
          endpoints: [
            {
              lb_endpoints: [
                {
                  endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 1 } } },
                  load_balancing_weight: 0,
                },
              ],
            },
          ],
        },
      },
      '/load_assignment/endpoints/0/lb_endpoints/0/load_balancing_weight',
    ],
    [
      'a port above 65535',
      'cluster',
      {
        name: 'c',
        load_assignment: {
          cluster_name: 'c',
          endpoints: [
            {
              lb_endpoints: [
                { endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 65_536 } } } },
              ],
            },
          ],
        },
      },
      '/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value',
    ],
    [
      'an outlier detection without an interval of time',
      'cluster',
      { name: 'c', outlier_detection: { interval: '0s' } },
      '/outlier_detection/interval',
    ],
    ['a load balancing policy that does not exist', 'cluster', { name: 'c', lb_policy: 99 }, '/lb_policy'],
    ['routes', 'routes', routes(route({})), undefined],
    ['routes without an action', 'routes', routes({ match: { prefix: '/' } }), '/virtual_hosts/0/routes/0'],
    [
      'routes without a match',
      'routes',
      routes({ match: {}, route: { cluster: 'c' } }),
      '/virtual_hosts/0/routes/0/match',
    ],
    [
      'a virtual host without domains',
      'routes',
      { name: 'r', virtual_hosts: [{ name: 'v', domains: [] }] },
      '/virtual_hosts/0/domains',
    ],
    [
      'a cluster without a name in a route',
      'routes',
      routes(route({ route: { cluster: '' } })),
      '/virtual_hosts/0/routes/0/route/cluster',
    ],
    [
      'a status that is none',
      'routes',
      routes({ match: { prefix: '/' }, direct_response: { status: 700 } }),
      '/virtual_hosts/0/routes/0/direct_response/status',
    ],
    [
      'a header with a line break',
      'routes',
      routes(route({ request_headers_to_add: [{ header: { key: 'a\nb', value: 'x' } }] })),
      '/virtual_hosts/0/routes/0/request_headers_to_add/0/header/key',
    ],
    [
      'a header without a name',
      'routes',
      routes(route({ request_headers_to_remove: [''] })),
      '/virtual_hosts/0/routes/0/request_headers_to_remove/0',
    ],
    [
      'a listener with an address without a port',
      'listener',
      { name: 'l', address: { socket_address: { address: '127.0.0.1' } } },
      '/address/socket_address',
    ],
    [
      'an extension with a broken part inside',
      'listener',
      {
        name: 'l',
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [
          {
            filters: [
              {
                name: 'tcp',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
                  stat_prefix: '',
                  cluster: 'c',
                },
              },
            ],
          },
        ],
      },
      '/filter_chains/0/filters/0/typed_config/stat_prefix',
    ],
  ])('%s', (_, kind, json, path) => {
    const encoded = encoder.encode({ kind, name: 'x', json });
    const violations = 'violations' in encoded ? encoded.violations.map((one) => one.path) : [];
    expect(violations).toEqual(path === undefined ? [] : expect.arrayContaining([path]));
    const said = envoySays(kind, json);
    if (path === undefined) expect(said).toBe('');
    else expect(said).toMatch(/Proto constraint validation failed|validation failed/);
  });

  test('a field that Envoy does not have is refused by name', () => {
    const encoded = encoder.encode({ kind: 'cluster', name: 'x', json: { name: 'c', conect_timeout: '1s' } });
    expect(encoded).toHaveProperty('violations.0.message', expect.stringContaining('"conect_timeout" is unknown'));
  });
});

test('the same content has the same version, whatever the order of its members', () => {
  const versions = [
    { name: 'c', connect_timeout: '1s' },
    { connect_timeout: '1s', name: 'c' },
    { name: 'c', connect_timeout: '1.000s' },
  ].map((json) => encoder.encode({ kind: 'cluster', name: 'c', json }));
  expect(new Set(versions.map((one) => ('version' in one ? one.version : 'refused'))).size).toBe(1);
});
