import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { JsonObject } from '../../../../src/json/json.ts';
import { declaredPorts } from '../../../../src/sidecars/standalone/declared-ports.ts';
import { containerOf, decideOn, injectedPod, podWith, type InjectedPod } from '../../../support/builders/decisions.ts';
import { probe } from '../../../support/builders/proxy-intent.ts';

function declaredBy(...ports: JsonObject[]): { http: readonly number[]; opaque: readonly number[] } {
  const { httpInboundPorts: http, opaqueInboundPorts: opaque } = declaredPorts([{ name: 'app', ports }], []);
  return { http, opaque };
}

describe('a port whose name says that it carries no HTTP', () => {
  test.each<[JsonObject, number[]]>([
    [{ name: 'tcp', containerPort: 9000 }, [9000]],
    [{ name: 'tcp-events', containerPort: 9000, protocol: 'TCP' }, [9000]],
    [{ name: 'mysql', containerPort: 13_306 }, [13_306]],
    [{ name: 'redis-cache', containerPort: 16_379 }, [16_379]],
    [{ name: 'http', containerPort: 9000 }, []],
    [{ name: 'grpc-tcp', containerPort: 9000 }, []],
    [{ name: 'tcpdump', containerPort: 9000 }, []],
    [{ name: 'https-tcp', containerPort: 9000 }, []],
    [{ name: 'tcp-x', containerPort: 9000, protocol: 'UDP' }, []],
    [{ containerPort: 9000 }, []],
    [{ name: 'tcp', containerPort: 'nine' }, []],
    [{ name: 'tcp', containerPort: 70_000 }, []],
    [{ name: 'constructor', containerPort: 9000 }, []],
  ])('%j is %j', (port, expected) => {
    expect(declaredBy(port).opaque).toEqual(expected);
  });

  test('of all containers, in order, each once', () => {
    const declared = (...numbers: number[]): JsonObject => ({
      ports: numbers.map((containerPort, index) => ({ name: `tcp-${index}`, containerPort })),
    });
    const containers = [declared(9001, 9000), {}, { ports: null }, declared(80, 9000)];
    expect(declaredPorts(containers, []).opaqueInboundPorts).toEqual([80, 9000, 9001]);
  });
});

describe('a port that is declared as HTTP', () => {
  test.each<[JsonObject, number[]]>([
    ...['http', 'http2', 'https', 'h2c', 'grpc', 'grpcs', 'grpc-web', 'http-admin', 'metrics', 'web', 'ws', 'wss'].map(
      (name): [JsonObject, number[]] => [{ name, containerPort: 9000 }, [9000]],
    ),
    [{ name: 'http', containerPort: 9000, protocol: 'UDP' }, []],
    [{ name: 'tcp-http', containerPort: 9000 }, []],
    [{ name: 'httpd', containerPort: 9000 }, []],
    [{ containerPort: 9000 }, []],
  ])('by its name: %j is %j', (port, expected) => {
    expect(declaredBy(port).http).toEqual(expected);
  });

  test('by a probe that asks it by HTTP or gRPC', () => {
    const http = { type: 'http', scheme: 'HTTP', port: 9002, path: '/' } as const;
    const probes = [
      probe('readyz', http),
      probe('livez', { type: 'grpc', port: 9001 }),
      probe('startupz', { type: 'tcp', port: 9003 }),
    ];
    expect(declaredPorts([{ ports: [{ name: 'web', containerPort: 9002 }] }], probes).httpInboundPorts).toEqual([
      9001, 9002,
    ]);
  });
});

type Name = 'virtualInbound' | 'virtualOutbound';

/** The ports that a listener inspects. */
function inspected(pod: InjectedPod, listener: Name): string[] {
  const [, bootstrap = ''] = containerOf(pod, 'istio-proxy')['args'] as string[];
  const { static_resources: resources } = parse(bootstrap, { maxAliasCount: -1 }) as {
    static_resources: { listeners: { name: string; listener_filters: { filter_disabled?: unknown }[] }[] };
  };
  const found = resources.listeners.find(({ name }) => name === listener);
  const text = JSON.stringify(found?.listener_filters.at(-1)?.filter_disabled);
  return [...text.matchAll(/"start":(\d+),"end":(\d+)/g)].map(([, start, end]) => `${start}-${Number(end) - 1}`);
}

test('by default only known ports are inspected', () => {
  const pod = injectedPod(podWith({ container: { ports: [{ containerPort: 9000 }] } }));
  for (const listener of ['virtualInbound', 'virtualOutbound'] as const) {
    expect(inspected(pod, listener)).toEqual(['80-80', '443-443', '8080-8089', '8443-8443', '50051-50051']);
  }
});

test('declared ports count inbound, annotated ones both ways', () => {
  const pod = injectedPod(
    podWith({
      annotations: { 'sidecar-injector.io/opaquePorts': '8084-8085', 'sidecar-injector.io/httpPorts': '3000,3306' },
      container: {
        ports: [
          { name: 'tcp-raw', containerPort: 8081 },
          { name: 'http-shop', containerPort: 9000 },
        ],
        readinessProbe: { httpGet: { port: 9100, path: '/' } },
      },
    }),
  );
  const both = ['8086-8089', '8443-8443', '50051-50051'];
  expect(inspected(pod, 'virtualOutbound')).toEqual(['80-80', '443-443', '3000-3000', '8080-8083', ...both]);
  expect(inspected(pod, 'virtualInbound')).toEqual([
    '80-80',
    '443-443',
    '3000-3000',
    '8080-8080',
    '8082-8083',
    ...both.slice(0, 2),
    '9000-9000',
    '9100-9100',
    ...both.slice(2),
  ]);
});

test.each([
  ['redis', '8080', 'opaque', ['80-80', '443-443', '8081-8089', '8443-8443', '50051-50051']],
  ['http', '9000', 'HTTP', ['80-80', '443-443', '8080-8089', '8443-8443', '9000-9000', '50051-50051']],
] as const)('a container that was added since brings its port %s, once', (name, containerPort, _kind, expected) => {
  const pod = structuredClone(injectedPod(podWith())) as unknown as { spec: { containers: JsonObject[] } };
  pod.spec.containers.push({ name: 'late', image: 'late:1', ports: [{ name, containerPort: Number(containerPort) }] });
  const decision = decideOn(pod);
  expect(decision.operations.map(({ op, path }) => `${op} ${path}`)).toEqual(['replace /spec/initContainers/1/args/1']);
  expect(decision.reasons[0].message).toBe('injected before; the proxy was told of the ports that they declare');
  const again = injectedPod(pod);
  expect(inspected(again, 'virtualInbound')).toEqual(expected);
  expect(decideOn(again as unknown as JsonObject).reasons[0].code).toBe('AlreadyInjected');
});
