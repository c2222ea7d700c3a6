import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/json/json.ts';
import { readDestinationRule } from '../../../../src/mesh/rules/destination-rule.ts';
import { destinationRule, told } from '../../../support/mesh/istio-objects.ts';

function of(trafficPolicy: JsonObject): readonly string[] {
  const { findings, spec } = readDestinationRule(destinationRule({ trafficPolicy }));
  expect(spec === undefined).toBe(findings.some(({ effect }) => effect === 'refused'));
  return told(findings);
}

const hash = (consistentHash: JsonObject): JsonObject => ({ loadBalancer: { consistentHash } });

describe('a field that is understood', () => {
  test.each<[string, JsonObject]>([
    ['a load balancer', { loadBalancer: { simple: 'LEAST_CONN' } }],
    ['a hash of a cookie', hash({ httpCookie: { name: 'a', path: '/', ttl: '0s' } })],
    ['a hash in a table', hash({ useSourceIp: true, maglev: { tableSize: 65_537 } })],
    ['a hash on a ring', hash({ httpQueryParameterName: 'a', ringHash: {} })],
    [
      'limits of connections',
      {
        connectionPool: {
          tcp: {
            maxConnections: 10,
            connectTimeout: '30ms',
            tcpKeepalive: { probes: 3, time: '7200s', interval: '75s' },
            maxConnectionDuration: '1h',
            idleTimeout: '0s',
          },
        },
      },
    ],
    [
      'limits of requests',
      {
        connectionPool: {
          http: {
            http1MaxPendingRequests: 10,
            http2MaxRequests: 0,
            maxRequestsPerConnection: 2,
            maxRetries: 3,
            idleTimeout: '1h',
            maxConcurrentStreams: 5,
            h2UpgradePolicy: 'UPGRADE',
          },
        },
      },
    ],
    [
      'ejection',
      {
        outlierDetection: {
          consecutive5xxErrors: 0,
          consecutiveGatewayErrors: null,
          splitExternalLocalOriginErrors: true,
          consecutiveLocalOriginFailures: 3,
          interval: '5m',
          baseEjectionTime: '15m',
          maxEjectionPercent: 100,
          minHealthPercent: 30,
        },
      },
    ],
    ['plain text', { tls: { mode: 'DISABLE' } }],
    [
      'TLS',
      { tls: { mode: 'SIMPLE', sni: 'a.example.com', subjectAltNames: ['a.example.com'], insecureSkipVerify: null } },
    ],
    [
      "the mesh's TLS",
      { tls: { mode: 'ISTIO_MUTUAL', sni: 'a', subjectAltNames: ['spiffe://cluster.local/ns/a/sa/b'] } },
    ],
    ['settings of ports', { portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'DISABLE' } }] }],
  ])('%s', (_name, trafficPolicy) => {
    expect(of(trafficPolicy)).toEqual([]);
  });

  test('subsets', () => {
    const subsets = [
      { name: 'v1', labels: { version: 'v1' } },
      { name: 'all', trafficPolicy: { loadBalancer: {} } },
    ];
    const { spec, findings } = readDestinationRule(destinationRule({ subsets, exportTo: ['.'] }));
    expect(findings).toEqual([]);
    expect(spec?.subsets?.map(({ labels }) => labels)).toEqual([{ version: 'v1' }, {}]);
  });
});

describe('a field that is refused', () => {
  test.each<[JsonObject, string]>([
    [{ tunnel: {} }, '/tunnel: is not supported: calls are not put into CONNECT; leave it out'],
    [
      { proxyProtocol: {} },
      '/proxyProtocol: is not supported: the PROXY protocol is not sent to endpoints; leave it out',
    ],
    [
      { retryBudget: {} },
      '/retryBudget: is not supported: use connectionPool.http.maxRetries, which is a number instead of a share',
    ],
    [
      { loadBalancer: { localityLbSetting: {} } },
      '/loadBalancer/localityLbSetting: is not supported: endpoints of all zones are one group; leave it out',
    ],
    [
      { loadBalancer: { zoneAwareLbSetting: {} } },
      '/loadBalancer/zoneAwareLbSetting: is not supported: endpoints of all zones are one group; leave it out',
    ],
    [
      { loadBalancer: { warmup: {} } },
      '/loadBalancer/warmup: is not supported: a new endpoint gets its whole share at once; leave it out',
    ],
    [
      { loadBalancer: { warmupDurationSecs: '1s' } },
      '/loadBalancer/warmupDurationSecs: "1s": is not supported: a new endpoint gets its whole share at once; leave it out',
    ],
    [
      { connectionPool: { http: { http2KeepAlive: {} } } },
      '/connectionPool/http/http2KeepAlive: is not supported: endpoints are not asked whether they live; leave it out',
    ],
    [
      { outlierDetection: { outlierDetectionHttpErrorCodes: [] } },
      '/outlierDetection/outlierDetectionHttpErrorCodes: is not supported: errors are those of 5xx; leave it out',
    ],
    [
      hash({ httpCookie: { name: 'a', attributes: [] } }),
      '/loadBalancer/consistentHash/httpCookie/attributes: is not supported: a cookie has no attributes but its path and its time',
    ],
    [
      { tls: { mode: 'MUTUAL' } },
      '/tls/mode: "MUTUAL": is not supported: proxies have no certificates but those of the mesh; use ISTIO_MUTUAL or SIMPLE',
    ],
    [
      { tls: { mode: 'SIMPLE', credentialName: 'a' } },
      '/tls/credentialName: "a": is not supported: only gateways read Secrets',
    ],
    [
      { tls: { mode: 'SIMPLE', clientCertificate: '/a' } },
      '/tls/clientCertificate: "/a": is not supported: proxies have no certificates but those of the mesh',
    ],
    [
      { tls: { mode: 'SIMPLE', caCrl: '/a' } },
      '/tls/caCrl: "/a": is not supported: lists of revoked certificates are not read',
    ],
    [
      { tls: { mode: 'SIMPLE', caCertificates: 'a' } },
      '/tls/caCertificates: "a": allowed: the path of a file in the proxy',
    ],
    [
      { tls: { mode: 'SIMPLE', caCertificates: '/a', insecureSkipVerify: true } },
      '/tls: has caCertificates beside insecureSkipVerify, which verifies nothing; leave one of them out',
    ],
    [{ outlierDetecton: {} }, '/outlierDetecton: there is no such field, did you mean "outlierDetection"?'],
    [
      { outlierDetection: { maxEjectionPercent: 101 } },
      '/outlierDetection/maxEjectionPercent: 101: allowed: a whole number from 0 to 100',
    ],
    [
      { outlierDetection: { interval: '0s' } },
      '/outlierDetection/interval: "0s": allowed: a duration such as "5s", "0.5s" or "1m", in whole milliseconds, from 1ms to 876000h',
    ],
    [
      { outlierDetection: { consecutiveLocalOriginFailures: 3 } },
      '/outlierDetection/consecutiveLocalOriginFailures: needs splitExternalLocalOriginErrors: true; add it',
    ],
    [
      { outlierDetection: {}, circuitBreaker: {} },
      '/circuitBreaker: stands beside outlierDetection, which means the same; take circuitBreaker out',
    ],
    [
      { loadBalancer: { simple: 'RANDOM', consistentHash: { useSourceIp: true } } },
      '/loadBalancer: has simple and consistentHash; allowed: one of them',
    ],
    [
      hash({}),
      '/loadBalancer/consistentHash: does not say by what; allowed: one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName',
    ],
    [
      hash({ useSourceIp: true, httpHeaderName: 'a' }),
      '/loadBalancer/consistentHash: has httpHeaderName and useSourceIp; allowed: one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName',
    ],
    [
      hash({ useSourceIp: false }),
      '/loadBalancer/consistentHash/useSourceIp: false picks by nothing; leave the hash out',
    ],
    [
      hash({ useSourceIp: true, ringHash: {}, maglev: { tableSize: 11 } }),
      '/loadBalancer/consistentHash: has ringHash and maglev; allowed: one of them',
    ],
    [
      hash({ useSourceIp: true, maglev: { tableSize: 10 } }),
      '/loadBalancer/consistentHash/maglev/tableSize: 10: allowed: a prime number below 5000011, such as 65537',
    ],
    [
      hash({ useSourceIp: true, maglev: {} }),
      '/loadBalancer/consistentHash/maglev: "tableSize" is missing; allowed: a whole number from 2 to 5000010',
    ],
    [{ connectionPool: {} }, '/connectionPool: is empty; allowed: tcp and http'],
    [
      { connectionPool: { tcp: { tcpKeepalive: { time: '500ms' } } } },
      '/connectionPool/tcp/tcpKeepalive/time: "500ms": allowed: a duration such as "5s", "0.5s" or "1m", in whole seconds, from 1000ms to 876000h',
    ],
    [
      { connectionPool: { http: { h2UpgradePolicy: 'UPGRADE', useClientProtocol: true } } },
      '/connectionPool/http: has useClientProtocol beside h2UpgradePolicy: UPGRADE; allowed: one of them',
    ],
    [{}, ': is empty; allowed: loadBalancer, connectionPool, outlierDetection, tls and portLevelSettings'],
    [
      { portLevelSettings: [{ port: { number: 80 } }] },
      '/portLevelSettings/0: has only a port; allowed: loadBalancer, connectionPool, outlierDetection and tls',
    ],
    [{ portLevelSettings: [{ tls: {} }] }, '/portLevelSettings/0: "port" is missing; allowed: an object'],
    [
      { portLevelSettings: [{ port: { number: 80 }, loadBalancer: hash({})['loadBalancer'] ?? null }] },
      '/portLevelSettings/0/loadBalancer/consistentHash: does not say by what; allowed: one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName',
    ],
  ])('%j', (trafficPolicy, expected) => {
    expect(of(trafficPolicy)).toEqual([`refused /spec/trafficPolicy${expected}`]);
  });

  test.each<[JsonObject, string]>([
    [{ workloadSelector: {} }, '/workloadSelector: is not supported: the object counts for all clients; leave it out'],
    [{ host: 'A B' }, '/host: "A B": allowed: the name of a Service, a full name in DNS, or one that begins with "*."'],
    [{ subsets: [{ name: 'a' }, { name: 'a' }] }, '/subsets/1/name: "a" is the name of another subset'],
    [
      { subsets: [{ name: 'V1' }] },
      '/subsets/0/name: "V1": allowed: at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends',
    ],
    [{ subsets: [{ name: 'a', labels: { version: 1 } }] }, '/subsets/0/labels/version: 1: allowed: a text'],
    [
      { subsets: [{ name: 'a', trafficPolicy: {} }] },
      '/subsets/0/trafficPolicy: is empty; allowed: loadBalancer, connectionPool, outlierDetection, tls and portLevelSettings',
    ],
    [{ hosts: ['a'] }, '/hosts: there is no such field, did you mean "host"?'],
  ])('of the object: %j', (spec, expected) => {
    const read = readDestinationRule(destinationRule(spec));
    expect(read.spec).toBeUndefined();
    expect(told(read.findings)).toEqual([`refused /spec${expected}`]);
  });
});

describe('a field that may not do what is expected', () => {
  test.each<[JsonObject, string]>([
    [
      { outlierDetection: { consecutiveErrors: 3 } },
      '/outlierDetection/consecutiveErrors: has no effect, as in Istio; use consecutive5xxErrors',
    ],
    [
      hash({ useSourceIp: true, minimumRingSize: 100 }),
      '/loadBalancer/consistentHash/minimumRingSize: is old; use ringHash: {minimumRingSize: …}',
    ],
    [{ tls: { sni: 'a' } }, '/tls/sni: has no effect in mode DISABLE'],
    [
      { tls: { mode: 'ISTIO_MUTUAL', caCertificates: '/a' } },
      '/tls/caCertificates: has no effect in mode ISTIO_MUTUAL',
    ],
    [
      { tls: { mode: 'SIMPLE', caCertificates: '/a' } },
      '/tls/caCertificates: "/a" has to be in the proxy of every client; one without it cannot call the Service',
    ],
    [
      { circuitBreaker: { consecutiveErrors: 3, interval: '30s' } },
      '/circuitBreaker: is not a field of Istio, which refuses it; it is read as outlierDetection: use that name, with the fields consecutive5xxErrors, interval',
    ],
  ])('%j', (trafficPolicy, expected) => {
    expect(of(trafficPolicy)).toEqual([`warning /spec/trafficPolicy${expected}`]);
  });

  test('a port that is set twice', () => {
    const settings = { port: { number: 80 }, loadBalancer: {} };
    expect(of({ portLevelSettings: [settings, settings] })).toEqual([
      'warning /spec/trafficPolicy/portLevelSettings/1/port/number: 80 is here a second time; only the first one counts',
    ]);
  });
});
