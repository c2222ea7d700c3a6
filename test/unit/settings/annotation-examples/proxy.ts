import type { Examples } from './example.ts';

export const proxy: Examples = {
  'proxy.istio.io/config': {
    good: 'concurrency: 4',
    effect: ({ proxy: { concurrency } }) => concurrency,
    value: 4,
    bad: '[concurrency]',
    message: 'is no map; allowed: a map in YAML or JSON, at most 16384 characters, without anchors',
  },
  'sidecar.istio.io/proxyImage': {
    good: 'registry.example.com/envoy:v2',
    effect: ({ proxy }) => proxy.image,
    value: 'registry.example.com/envoy:v2',
    bad: 'evil/envoy:v1',
    message: '"evil/envoy:v1" is not allowed; allowed: envoyproxy/envoy:v1.40.0, registry.example.com/*',
  },
  'sidecar.istio.io/logLevel': {
    good: 'debug',
    effect: ({ proxy }) => proxy.logLevel,
    value: 'debug',
    bad: 'loud',
    message: '"loud" is not allowed; allowed: trace, debug, info, warning, warn, error, critical, off',
  },
  'sidecar.istio.io/componentLogLevel': {
    good: 'http2:debug',
    effect: ({ proxy }) => proxy.componentLogLevel,
    value: 'http2:debug',
    bad: 'http2',
    message:
      '"http2" is not allowed; allowed: a comma list of component:level, level one of trace, debug, info, warning, warn, error, critical, off',
  },
  'sidecar.istio.io/rewriteAppHTTPProbers': {
    good: 'False',
    effect: ({ rewriteProbes }) => rewriteProbes,
    value: false,
    bad: 'maybe',
    message: '"maybe" is not allowed; allowed: true, false',
  },
  'status.sidecar.istio.io/port': {
    good: '16000',
    effect: ({ proxy }) => proxy.statusPort,
    value: 16_000,
    bad: '15001',
    message: '"15001" is a port of the proxy itself; allowed: any other port',
  },
  'readiness.status.sidecar.istio.io/initialDelaySeconds': {
    good: '7',
    effect: ({ proxy }) => proxy.readiness.initialDelaySeconds,
    value: 7,
    bad: '-1',
    message: '"-1" is not allowed; allowed: an integer from 0 to 86400',
  },
  'readiness.status.sidecar.istio.io/periodSeconds': {
    good: '7',
    effect: ({ proxy }) => proxy.readiness.periodSeconds,
    value: 7,
    bad: '0',
    message: '"0" is not allowed; allowed: an integer from 1 to 86400',
  },
  'readiness.status.sidecar.istio.io/failureThreshold': {
    good: '7',
    effect: ({ proxy }) => proxy.readiness.failureThreshold,
    value: 7,
    bad: '1.5',
    message: '"1.5" is not allowed; allowed: an integer from 1 to 10000',
  },
  'sidecar-injector.io/applicationDrainSeconds': {
    good: '5',
    effect: ({ proxy }) => proxy.applicationDrainSeconds,
    value: 5,
    bad: '5s',
    message: '"5s" is not allowed; allowed: an integer from 0 to 3600',
  },
};
