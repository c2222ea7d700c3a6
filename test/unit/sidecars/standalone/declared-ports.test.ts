import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { JsonObject } from '../../../../src/json/json.ts';
import { declaredOpaquePorts } from '../../../../src/sidecars/standalone/declared-ports.ts';
import { containerOf, decideOn, injectedPod, podWith, type InjectedPod } from '../../../support/builders/decisions.ts';

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
    expect(declaredOpaquePorts([{ name: 'app', ports: [port] }])).toEqual(expected);
  });

  test('of all containers, in order, each once', () => {
    const declared = (...numbers: number[]): JsonObject => ({
      ports: numbers.map((containerPort, index) => ({ name: `tcp-${index}`, containerPort })),
    });
    expect(declaredOpaquePorts([declared(9001, 9000), {}, { ports: null }, declared(80, 9000)])).toEqual([
      80, 9000, 9001,
    ]);
  });
});

/** What the inspectors of a listener are switched off for, as text. */
function opaque(pod: InjectedPod, listener: 'virtualInbound' | 'virtualOutbound'): string {
  const [, bootstrap = ''] = containerOf(pod, 'istio-proxy')['args'] as string[];
  const { static_resources: resources } = parse(bootstrap, { maxAliasCount: -1 }) as {
    static_resources: { listeners: { name: string; listener_filters: { filter_disabled?: unknown }[] }[] };
  };
  const found = resources.listeners.find(({ name }) => name === listener);
  return JSON.stringify(found?.listener_filters.at(-1)?.filter_disabled);
}

test('declared ports are opaque inbound, annotated ones both ways', () => {
  const pod = injectedPod(
    podWith({
      annotations: { 'sidecar-injector.io/opaquePorts': '9500-9501' },
      container: { ports: [{ name: 'tcp-raw', containerPort: 9000 }] },
    }),
  );
  expect(opaque(pod, 'virtualInbound')).toContain('{"start":9000,"end":9001}');
  expect(opaque(pod, 'virtualOutbound')).not.toContain('{"start":9000,"end":9001}');
  for (const listener of ['virtualInbound', 'virtualOutbound'] as const) {
    expect(opaque(pod, listener)).toContain('{"start":9500,"end":9502}');
    expect(opaque(pod, listener)).toContain('{"start":3306,"end":3307}');
  }
});

test('a container that was added since brings its declared ports, once', () => {
  const pod = structuredClone(injectedPod(podWith())) as unknown as { spec: { containers: JsonObject[] } };
  pod.spec.containers.push({ name: 'late', image: 'late:1', ports: [{ name: 'redis', containerPort: 9000 }] });
  const decision = decideOn(pod);
  expect(decision.operations.map(({ op, path }) => `${op} ${path}`)).toEqual(['replace /spec/initContainers/1/args/1']);
  expect(decision.reasons[0].message).toBe('injected before; the proxy was told of their ports without HTTP');
  const again = injectedPod(pod);
  expect(opaque(again, 'virtualInbound')).toContain('{"start":9000,"end":9001}');
  expect(decideOn(again as unknown as JsonObject).reasons[0].code).toBe('AlreadyInjected');
});
