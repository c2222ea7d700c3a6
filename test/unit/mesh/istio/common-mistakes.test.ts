import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { root } from '../../../../scripts/checkout.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { indexRules } from '../../../../src/mesh/plan/rule-index.ts';
import { planTraffic } from '../../../../src/mesh/plan/service-traffic.ts';
import { objectKey } from '../../../../src/mesh/rules/object-ref.ts';
import { ruleKinds } from '../../../../src/mesh/rules/rule-kinds.ts';
import { circuitBreaker, retry, split } from '../../../support/mesh/common-mistakes.ts';
import { told } from '../../../support/mesh/istio-objects.ts';
import { rulesOf } from '../../../support/mesh/rules.ts';
import { worldOf } from '../../../support/mesh/world-events.ts';

const service: JsonObject = {
  kind: 'Service',
  metadata: { namespace: 'default', name: 'httpd-service' },
  spec: { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ name: 'http', port: 80 }] },
};

function withHosts(text: string): JsonObject {
  const object = parse(text) as { spec: object };
  return { ...object, spec: { hosts: ['httpd-service'], ...object.spec } };
}

/** All that is said of objects together, by object, and what they do. */
function planned(objects: readonly JsonObject[], services: readonly JsonObject[] = [service]) {
  const named = objects.map((object): JsonObject => ({
    ...object,
    metadata: {
      namespace: 'default',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(object['metadata'] as JsonObject),
    },
  }));
  const world = { ...worldOf(services), rules: rulesOf(named) };
  const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };
  const known = { world, domains, index: indexRules(world.rules, domains) };
  const [first] = world.service.keys();
  const { traffic, heldPorts, findings } = planTraffic(known, first ?? '');
  const sentences = Object.fromEntries(
    named.map((object) => {
      const kind = object['kind'] as keyof typeof ruleKinds;
      const rule = ruleKinds[kind].read(object);
      const all = told([...rule.findings, ...(findings.get(objectKey(rule.ref)) ?? [])]);
      return [rule.ref.name, all] as const;
    }),
  );
  return { traffic, heldPorts, sentences };
}

describe('as they stand', () => {
  const objects = [circuitBreaker, split, retry].map((text) => parse(text) as JsonObject);

  test('each is told what is wrong with it, and what to write', () => {
    expect(planned(objects).sentences).toEqual({
      'httpd-circuit-breaker': [
        'warning /spec/trafficPolicy/circuitBreaker: is not a field of Istio, which refuses it; it is read as outlierDetection: use that name, with the fields consecutive5xxErrors, interval, baseEjectionTime',
      ],
      'httpd-traffic-split': [
        'without-effect /spec: there are no hosts, so that no request is meant: such an object is only for others to take in. Add hosts: [httpd-service]',
      ],
      'httpd-retry': [
        'without-effect /spec: there are no hosts, so that no request is meant: such an object is only for others to take in. Add hosts: [httpd-service]',
      ],
    });
  });

  test('the circuit breaker works, also for two endpoints; the routes do nothing', () => {
    const { traffic } = planned(objects);
    expect(traffic.policies.get(80)).toEqual({
      limits: { maxConnections: 10, maxPendingRequests: 10, maxRequestsPerConnection: 2 },
      ejection: {
        consecutive5xx: 3,
        consecutiveGatewayErrors: 0,
        intervalMs: 30_000,
        baseMs: 30_000,
        maxPercent: 10,
        ejectsOneAlways: true,
        panicPercent: 0,
      },
    });
    expect(traffic.routes.size).toBe(0);
  });
});

describe('with hosts', () => {
  test('the two subsets are missing, and of two objects for one host, one counts', () => {
    const { sentences, heldPorts } = planned([parse(circuitBreaker) as JsonObject, withHosts(split), withHosts(retry)]);
    expect(heldPorts).toEqual(new Set());
    expect(sentences['httpd-traffic-split']).toEqual([
      expect.stringContaining('without-effect /spec/hosts: the older VirtualService default/httpd-retry decides'),
    ]);
    expect(sentences['httpd-retry']).toEqual([
      expect.stringContaining('warning /spec/hosts: VirtualService default/httpd-traffic-split names'),
    ]);
  });

  test('subsets that are not there are named, and the last good routes stay', () => {
    const { sentences, heldPorts } = planned([parse(circuitBreaker) as JsonObject, withHosts(split)]);
    expect(heldPorts).toEqual(new Set([80]));
    const lacks = (at: string, subset: string): string =>
      `warning /spec/http/${at}/destination/subset: no DestinationRule of "httpd-service" has a subset "${subset}"; add it there; the last good routes stay, if there are any`;
    expect(sentences['httpd-traffic-split']).toEqual([
      lacks('0/route/0', 'v2'),
      lacks('1/route/0', 'v1'),
      lacks('1/route/1', 'v2'),
    ]);
  });
});

test('the examples are what the manifests mean, and nothing is to be said of them', () => {
  const folder = path.join(root, 'examples/httpd/traffic');
  const objects = ['circuit-breaker.yaml', 'routes.yaml'].flatMap((name) =>
    parseAllDocuments(readFileSync(path.join(folder, name), 'utf8')).map((document) => document.toJS() as JsonObject),
  );
  const httpd = { ...service, metadata: { namespace: 'default', name: 'httpd' } };
  const { traffic, heldPorts, sentences } = planned(objects, [httpd]);
  expect(Object.values(sentences).flat()).toEqual([]);
  expect(heldPorts.size).toBe(0);
  const forwards = (traffic.routes.get(80)?.rules ?? []).map(({ match, action }) => [
    match.headers,
    action.type === 'forward' && [
      action.destinations.map(({ backend, weight }) => [backend?.subset, weight]),
      action.retry,
    ],
  ]);
  const retries = {
    attempts: 3,
    conditions: ['5xx', 'reset', 'connect-failure', 'refused-stream'],
    statusCodes: [],
    perTryMs: 2000,
  };
  expect(forwards).toEqual([
    [[{ name: 'canary', match: { type: 'exact', value: 'true' } }], [[['v2', 1]], retries]],
    [
      [],
      [
        [
          ['v1', 90],
          ['v2', 10],
        ],
        retries,
      ],
    ],
  ]);
  expect(traffic.subsets.map(({ name, labels }) => [name, labels])).toEqual([
    ['v1', { version: 'v1' }],
    ['v2', { version: 'v2' }],
  ]);
  expect(traffic.policies.get(80)?.ejection?.consecutive5xx).toBe(3);
});
