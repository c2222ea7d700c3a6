import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/json/json.ts';
import { policyOf, subsetsOf } from '../../../../src/mesh/plan/destination-policy.ts';
import type { TrafficPolicy } from '../../../../src/mesh/plan/traffic-policy.ts';
import { readDestinationRule, type DestinationRule } from '../../../../src/mesh/rules/destination-rule.ts';
import { destinationRule, told } from '../../../support/mesh/istio-objects.ts';

function read(spec: JsonObject): DestinationRule {
  const { spec: rule, findings } = readDestinationRule(destinationRule(spec));
  if (rule === undefined) throw new Error(told(findings).join('\n'));
  return rule;
}

function of(trafficPolicy: JsonObject): TrafficPolicy {
  return policyOf(read({ trafficPolicy }), { number: 80 });
}

const hash = (consistentHash: JsonObject): JsonObject => ({ consistentHash });

test('without a policy, everything has its default', () => {
  expect(policyOf(read({}), { number: 80 })).toEqual({});
});

describe('the four blocks', () => {
  test.each<[JsonObject, object]>([
    [{}, { type: 'least-request' }],
    [{ simple: 'LEAST_CONN' }, { type: 'least-request' }],
    [{ simple: 'UNSPECIFIED' }, { type: 'least-request' }],
    [{ simple: 'ROUND_ROBIN' }, { type: 'round-robin' }],
    [{ simple: 'RANDOM' }, { type: 'random' }],
    [{ simple: 'PASSTHROUGH' }, { type: 'dialled' }],
    [hash({ httpHeaderName: 'X-User' }), { type: 'ring', key: { type: 'header', name: 'x-user' }, minimumSize: 1024 }],
    [hash({ useSourceIp: true, ringHash: {} }), { type: 'ring', key: { type: 'address' }, minimumSize: 1024 }],
    [
      hash({ useSourceIp: true, ringHash: { minimumRingSize: 9 } }),
      { type: 'ring', key: { type: 'address' }, minimumSize: 9 },
    ],
    [hash({ useSourceIp: true, minimumRingSize: 8 }), { type: 'ring', key: { type: 'address' }, minimumSize: 8 }],
    [
      hash({ httpQueryParameterName: 'q', maglev: { tableSize: 11 } }),
      { type: 'maglev', key: { type: 'query', name: 'q' }, tableSize: 11 },
    ],
    [hash({ httpCookie: { name: 'c' } }), { type: 'ring', key: { type: 'cookie', name: 'c' }, minimumSize: 1024 }],
    [
      hash({ httpCookie: { name: 'c', path: '/', ttl: '0s' } }),
      { type: 'ring', key: { type: 'cookie', name: 'c', path: '/', ttlMs: 0 }, minimumSize: 1024 },
    ],
  ])('loadBalancer %j', (loadBalancer, expected) => {
    expect(of({ loadBalancer })).toEqual({ loadBalancer: expected });
  });

  test.each<[JsonObject, object]>([
    [
      { tcp: { maxConnections: 10, connectTimeout: '1s', maxConnectionDuration: '1h' } },
      { limits: { maxConnections: 10, connectTimeoutMs: 1000, maxConnectionDurationMs: 3_600_000 } },
    ],
    [{ tcp: { tcpKeepalive: {} } }, { limits: { tcpKeepalive: {} } }],
    [
      { tcp: { tcpKeepalive: { probes: 3, time: '2s', interval: '1s' } } },
      { limits: { tcpKeepalive: { probes: 3, timeMs: 2000, intervalMs: 1000 } } },
    ],
    [{ tcp: { idleTimeout: '0s' } }, { limits: { tcpIdleTimeoutMs: 0, httpIdleTimeoutMs: 0 } }],
    [
      { tcp: { idleTimeout: '1s' }, http: { idleTimeout: '2s' } },
      { limits: { tcpIdleTimeoutMs: 1000, httpIdleTimeoutMs: 2000 } },
    ],
    [
      {
        http: {
          http1MaxPendingRequests: 1,
          http2MaxRequests: 2,
          maxRequestsPerConnection: 3,
          maxRetries: 4,
          maxConcurrentStreams: 5,
        },
      },
      {
        limits: {
          maxPendingRequests: 1,
          maxRequests: 2,
          maxRequestsPerConnection: 3,
          maxRetries: 4,
          maxConcurrentStreams: 5,
        },
      },
    ],
    [
      {
        tcp: { maxConnections: 0 },
        http: {
          http1MaxPendingRequests: 0,
          http2MaxRequests: 0,
          maxRequestsPerConnection: 0,
          maxRetries: 0,
          maxConcurrentStreams: 0,
        },
      },
      { limits: {} },
    ],
    [{ http: { h2UpgradePolicy: 'UPGRADE' } }, { limits: {}, protocol: 'http2' }],
    [{ http: { h2UpgradePolicy: 'DO_NOT_UPGRADE', useClientProtocol: true } }, { limits: {}, protocol: 'as-client' }],
  ])('connectionPool %j', (connectionPool, expected) => {
    expect(of({ connectionPool })).toEqual(expected);
  });

  const usual = {
    consecutive5xx: 5,
    consecutiveGatewayErrors: 0,
    intervalMs: 10_000,
    baseMs: 30_000,
    maxPercent: 10,
    ejectsOneAlways: true,
    panicPercent: 0,
  };

  test.each<[JsonObject, object]>([
    [{}, usual],
    [
      { consecutive5xxErrors: 0, consecutiveGatewayErrors: 7 },
      { ...usual, consecutive5xx: 0, consecutiveGatewayErrors: 7 },
    ],
    [{ consecutiveErrors: 3 }, usual],
    [
      { interval: '30s', baseEjectionTime: '1m', minHealthPercent: 50 },
      { ...usual, intervalMs: 30_000, baseMs: 60_000, panicPercent: 50 },
    ],
    [{ maxEjectionPercent: 50 }, { ...usual, maxPercent: 50, ejectsOneAlways: false }],
    [{ maxEjectionPercent: 0 }, usual],
    [{ splitExternalLocalOriginErrors: true }, { ...usual, consecutiveLocalFailures: 5 }],
    [
      { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2 },
      { ...usual, consecutiveLocalFailures: 2 },
    ],
  ])('outlierDetection %j', (outlierDetection, expected) => {
    expect(of({ outlierDetection })).toEqual({ ejection: expected });
  });

  test('circuitBreaker is outlierDetection under another name', () => {
    const circuitBreaker = { consecutiveErrors: 3, interval: '30s', baseEjectionTime: '31s' };
    expect(of({ circuitBreaker })).toEqual({
      ejection: { ...usual, consecutive5xx: 3, intervalMs: 30_000, baseMs: 31_000 },
    });
  });

  test.each<[JsonObject, object]>([
    [{}, { type: 'plain' }],
    [{ mode: 'DISABLE' }, { type: 'plain' }],
    [{ mode: 'ISTIO_MUTUAL' }, { type: 'mutual' }],
    [
      { mode: 'ISTIO_MUTUAL', sni: 'a', subjectAltNames: ['b'] },
      { type: 'mutual', sni: 'a', names: ['b'] },
    ],
    [{ mode: 'SIMPLE', subjectAltNames: [] }, { type: 'simple' }],
    [
      { mode: 'SIMPLE', sni: 'a', subjectAltNames: ['b'], caCertificates: '/c' },
      { type: 'simple', sni: 'a', names: ['b'], caFile: '/c' },
    ],
    [
      { mode: 'SIMPLE', insecureSkipVerify: true },
      { type: 'simple', isUnverified: true },
    ],
  ])('tls %j', (tls, expected) => {
    expect(of({ tls })).toEqual({ transport: expected });
  });
});

describe('which of them hold', () => {
  const [random, robin, plain] = [{ simple: 'RANDOM' }, { simple: 'ROUND_ROBIN' }, { mode: 'DISABLE' }];
  const rule = read({
    trafficPolicy: {
      loadBalancer: random,
      tls: plain,
      portLevelSettings: [{ port: { number: 81 }, loadBalancer: robin }],
    },
    subsets: [
      { name: 'none', labels: { a: 'b' } },
      { name: 'own', trafficPolicy: { loadBalancer: robin } },
      {
        name: 'port',
        trafficPolicy: {
          loadBalancer: robin,
          portLevelSettings: [{ port: { number: 80 }, connectionPool: { tcp: { maxConnections: 1 } } }],
        },
      },
    ],
  });

  test.each<[string, number, string | undefined, object]>([
    ['of all ports', 80, undefined, { loadBalancer: { type: 'random' }, transport: { type: 'plain' } }],
    ['of a port: what it leaves out has its default', 81, undefined, { loadBalancer: { type: 'round-robin' } }],
    ['a subset without a policy', 80, 'none', { loadBalancer: { type: 'random' }, transport: { type: 'plain' } }],
    ['a subset without a policy, of a port', 81, 'none', { loadBalancer: { type: 'round-robin' } }],
    ['a subset replaces blocks', 80, 'own', { loadBalancer: { type: 'round-robin' }, transport: { type: 'plain' } }],
    ['a subset replaces blocks of a port', 81, 'own', { loadBalancer: { type: 'round-robin' } }],
    ["a subset's port replaces all", 80, 'port', { limits: { maxConnections: 1 } }],
    ["a subset's other ports", 82, 'port', { loadBalancer: { type: 'round-robin' }, transport: { type: 'plain' } }],
    ['a subset that is not there', 80, 'gone', { loadBalancer: { type: 'random' }, transport: { type: 'plain' } }],
  ])('%s', (_name, number, subset, expected) => {
    expect(policyOf(rule, { number }, subset)).toEqual(expected);
  });

  test('a circuitBreaker of a subset stands above the ejection of the rule', () => {
    const both = read({
      trafficPolicy: { outlierDetection: { consecutive5xxErrors: 9 } },
      subsets: [{ name: 'own', trafficPolicy: { circuitBreaker: { consecutiveErrors: 3 } } }],
    });
    expect(policyOf(both, { number: 80 }, 'own').ejection?.consecutive5xx).toBe(3);
    expect(policyOf(both, { number: 80 }).ejection?.consecutive5xx).toBe(9);
  });

  test('subsets', () => {
    expect(subsetsOf(rule)).toEqual([
      { name: 'none', labels: { a: 'b' } },
      { name: 'own', labels: {} },
      { name: 'port', labels: {} },
    ]);
    expect(subsetsOf(read({}))).toEqual([]);
  });
});
