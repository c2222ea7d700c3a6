import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from '../support/fast-check.ts';
import { parseAllDocuments } from 'yaml';
import { decide, type Decision } from '../../src/index.ts';
import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../../src/json/json.ts';
import { validateArguments } from '../support/network/envoy.ts';
import { anyPod } from '../support/builders/pods.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';

/** Arguments of the proxy that a decision adds. */
function argumentsIn({ added, reasons }: Decision): string[] {
  if (added === undefined) throw new Error(reasons.map(({ message }) => message).join('; '));
  const proxy = [...added.initContainers, ...added.containers].find(({ name }) => name === 'istio-proxy');
  return (proxy?.['args'] ?? []) as unknown as string[];
}

/** Pods and templates of pods, wherever they are in an object; without their choice of sidecars and whether at all. */
function podsIn(value: Json | undefined): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => podsIn(item));
  if (!isObject(value)) return [];
  const spec = objectMember(value, 'spec');
  if (spec === undefined || member(spec, 'containers') === undefined) return Object.values(value).flatMap(podsIn);
  const metadata = { ...objectMember(value, 'metadata') };
  const { 'inject.istio.io/templates': _, ...annotations } = objectMember(metadata, 'annotations') ?? {};
  const { 'sidecar.istio.io/inject': __, ...labels } = objectMember(metadata, 'labels') ?? {};
  return [{ ...value, metadata: { ...metadata, annotations, labels } }];
}

describe('the pods of the golden files', () => {
  const folder = path.join(import.meta.dirname, '../golden/inject');
  const files = readdirSync(folder).filter((name) => name.includes('.input.'));

  test.each(files)('%s: Envoy accepts their bootstraps', (name) => {
    const documents = parseAllDocuments(readFileSync(path.join(folder, name), 'utf8'), { version: '1.1' });
    const pods = documents.flatMap((document) => podsIn(document.toJS() as Json));
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of pods) {
      const decision = decide({ pod, namespace: 'shop' }, snapshotOf());
      expect([stringMember(objectMember(pod, 'metadata'), 'name'), validateArguments(argumentsIn(decision))]).toEqual([
        stringMember(objectMember(pod, 'metadata'), 'name'),
        '',
      ]);
    }
  });
});

const anyProxySettings = fc.record(
  {
    statusPort: fc.constantFrom(0, 15_020, 16_000),
    clusterDomain: fc.constantFrom('cluster.local', 'corp.example'),
    outboundTrafficPolicy: fc.constantFrom('ALLOW_ANY', 'REGISTRY_ONLY'),
    protocolDetectionTimeoutMs: fc.constantFrom(0, 1, 500, 60_000),
    httpPorts: fc.constantFrom('', '8080', '1-65535', '80,443,8080-8089'),
    opaquePorts: fc.constantFrom('', '3306', '1-65535', '21,22,3306,5000-5010'),
    maxConnections: fc.constantFrom(1, 50_000, 10_000_000),
    accessLog: fc.constantFrom('stdout', 'file', 'none'),
    metrics: fc.record({ istio: fc.boolean(), merge: fc.boolean() }),
    tracing: fc.record({
      otlpAddress: fc.constantFrom('otel.nowhere.invalid:4317', '10.0.0.1:1', '[fd00::1]:65535'),
      samplingPercent: fc.constantFrom(0, 0.01, 100),
    }),
    admin: fc.constantFrom('port', 'socket'),
    quitHook: fc.boolean(),
    logLevel: fc.constantFrom('trace', 'warn', 'off'),
    componentLogLevel: fc.constantFrom('misc:off', 'http:debug,misc:error'),
  },
  { requiredKeys: [] },
);

const anyFamilies = fc.constantFrom(['IPv4'], ['IPv6'], ['IPv4', 'IPv6']);

describe(`settings and pods of every kind (seed ${fc.seed})`, () => {
  test('give a bootstrap that Envoy accepts', () => {
    fc.assert(
      fc.property(anyProxySettings, anyFamilies, anyPod, (proxy, families, pod) => {
        const decision = decide({ pod, namespace: 'shop' }, snapshotOf({ proxy, capture: { families } }));
        expect(validateArguments(argumentsIn(decision))).toBe('');
      }),
      { numRuns: Number(process.env['FAST_CHECK_RUNS'] ?? 60) },
    );
  }, 120_000);
});
