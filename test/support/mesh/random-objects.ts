import * as fc from 'fast-check';
import type { JsonObject } from '../../../src/json/json.ts';
import { injectedParts } from './injected-parts.ts';

/*
 * Services, EndpointSlices and pods as the API server would let them in, but for what they say of each other.
 */

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$/);
const number = fc.integer({ min: 1, max: 65_535 });
const v4 = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 254 }))
  .map(([a, b]) => `10.96.${a}.${b}`);
const v6 = fc.integer({ min: 1, max: 0xffff }).map((part) => `fd96::${part.toString(16)}`);
const transport = fc.constantFrom('TCP', 'TCP', 'TCP', 'UDP', 'SCTP', undefined);
const portName = fc.oneof(
  label,
  fc.constantFrom('http', 'http-web', 'grpc', 'tcp', 'tls-x', 'https', 'grpc-web', 'mysql'),
);
const appProtocol = fc.option(
  fc.constantFrom(
    'http',
    'https',
    'tcp',
    'tls',
    'grpc',
    'kubernetes.io/h2c',
    'kubernetes.io/ws',
    'kubernetes.io/wss',
    'x.example/own',
  ),
  { nil: undefined },
);
const condition = fc.option(fc.boolean(), { nil: undefined });

/** Leaves out what is undefined, as JSON does. */
function json(object: object): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/** Names of a port for each of several ports: a single port may have none. */
const ports = fc
  .uniqueArray(fc.record({ name: portName, port: number, protocol: transport, appProtocol }), {
    maxLength: 6,
    comparator: (one, other) => one.name === other.name || one.port === other.port,
  })
  .chain((list) =>
    list.length === 1
      ? fc.boolean().map((isNamed) => list.map((one) => (isNamed ? one : { ...one, name: '' })))
      : fc.constant(list),
  );

const addresses = fc.oneof(
  v4.map((one) => [one]),
  v6.map((one) => [one]),
  fc.tuple(v4, v6),
  fc.tuple(v6, v4),
  fc.constantFrom(['None'], ['None'], ['']),
);

const annotations = fc.constantFrom({}, { 'service.kubernetes.io/topology-mode': 'Auto' });

/** One Service, the slices of its endpoints and the pods behind some of them. */
export const serviceWithEndpoints: fc.Arbitrary<readonly JsonObject[]> = fc
  .record({
    name: label,
    namespace: fc.constantFrom('shop', 'default'),
    ports,
    addresses,
    annotations,
    sessionAffinity: fc.constantFrom('None', 'ClientIP'),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Cluster', 'Local', undefined),
    externalName: fc.constantFrom(undefined, undefined, undefined, 'example.com'),
    slices: fc.array(
      fc.record({
        addressType: fc.constantFrom('IPv4', 'IPv4', 'IPv6', 'FQDN'),
        knowsNumber: fc.boolean(),
        endpoints: fc.array(
          fc.record({
            last: fc.integer({ min: 1, max: 60 }),
            ready: condition,
            serving: condition,
            terminating: condition,
            hasPod: fc.boolean(),
            hostname: fc.option(label, { nil: undefined }),
          }),
          { maxLength: 5 },
        ),
        targets: fc.array(number, { minLength: 6, maxLength: 6 }),
      }),
      { maxLength: 4 },
    ),
    pods: fc.array(
      fc.record({
        last: fc.integer({ min: 1, max: 60 }),
        isMesh: fc.boolean(),
        serviceAccount: fc.option(label, { nil: undefined }),
        excluded: fc.constantFrom(undefined, '80', '1000-2000', '*'),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ name, namespace, slices, pods, ports: list, addresses: ips, externalName, ...one }) => {
    const podName = (last: number): string => `${name}-${last}`;
    const addressOf = (type: string, last: number): string =>
      ({ IPv4: `10.0.0.${last}`, IPv6: `fd00::${last}` })[type] ?? `host-${last}.example`;
    return [
      json({
        kind: 'Service',
        metadata: { namespace, name, uid: `service-${name}`, annotations: one.annotations },
        spec: {
          ...(externalName === undefined
            ? { clusterIP: ips[0], clusterIPs: ips }
            : { type: 'ExternalName', externalName }),
          ports: list,
          sessionAffinity: one.sessionAffinity,
          internalTrafficPolicy: one.internalTrafficPolicy,
        },
      }),
      ...slices.map(({ addressType, knowsNumber, endpoints, targets }, index) =>
        json({
          kind: 'EndpointSlice',
          addressType,
          metadata: {
            namespace,
            name: `${name}-${index}`,
            uid: `slice-${name}-${index}`,
            labels: { 'kubernetes.io/service-name': name },
          },
          ports: list.map((port, at) => ({
            name: port.name,
            protocol: port.protocol,
            port: knowsNumber || at > 0 ? targets[at] : undefined,
          })),
          endpoints: endpoints.map(({ last, ready, serving, terminating, hasPod, hostname }) => ({
            addresses: [addressOf(addressType, last)],
            conditions: { ready, serving, terminating },
            hostname,
            ...(hasPod && { targetRef: { kind: 'Pod', namespace, name: podName(last) } }),
          })),
        }),
      ),
      ...pods.map(({ last, isMesh, serviceAccount, excluded }) =>
        json({
          kind: 'Pod',
          metadata: {
            namespace,
            name: podName(last),
            uid: `pod-${podName(last)}`,
            labels: { app: name, ...(isMesh && { 'security.istio.io/tlsMode': 'istio' }) },
            annotations: { 'sidecar-injector.io/bypassedInboundPorts': excluded },
          },
          spec: {
            serviceAccountName: serviceAccount,
            ...(isMesh ? injectedParts() : { containers: [] }),
          },
          status: { phase: 'Running', podIPs: [{ ip: `10.0.0.${last}` }, { ip: `fd00::${last}` }] },
        }),
      ),
    ];
  });
