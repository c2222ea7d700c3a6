import type { ProxyIntent } from '../../../src/envoy/intent.ts';
import { port } from './capture-intent.ts';
import { probe, proxyIntent } from './proxy-intent.ts';

const http = { type: 'http', scheme: 'HTTP', port: 8080, path: '/ready' } as const;

/** Proxies that have between them everything that a configuration may have, by name. */
export const envoyIntents: Readonly<Record<string, ProxyIntent>> = {
  plain: proxyIntent(),
  'two-probes': proxyIntent({ probes: [probe('readyz', http), probe('livez', { ...http, path: '/live' })] }),
  'without-metrics': proxyIntent({ metrics: { istio: false, merge: true }, accessLog: 'none' }),
  everything: proxyIntent({
    workload: 'web "$(HOME)" \\ 🚀',
    clusterDomain: 'example.org',
    outboundTrafficPolicy: 'REGISTRY_ONLY',
    httpPorts: [port(80), { first: 8000, last: 9000 }],
    httpInboundPorts: [3306, 9100],
    opaquePorts: [{ first: 8010, last: 8012 }, port(3306)],
    opaqueInboundPorts: [8443, 9100],
    accessLog: 'file',
    metricsTargets: [
      { scheme: 'HTTP', port: 9100, path: '/metrics' },
      { scheme: 'HTTPS', port: 9443, path: '/m?a=b' },
    ],
    tracing: { host: 'collector.example', port: 4317, samplingPercent: 12.5 },
    admin: 'socket',
    quitHook: true,
    service: { name: 'a"b', revision: '', app: 'no', version: 'x\ny' },
    probes: [
      probe('readyz', { type: 'grpc', port: 9000, service: 'shop.Cart' }),
      probe('livez', { type: 'tcp', port: 9001 }, { timeoutSeconds: 0, periodSeconds: 1 }),
      probe('startupz', { type: 'http', scheme: 'HTTPS', port: 8443, path: 'a b%', host: 'shop.example' }),
      probe('prestopz', http, { timeoutSeconds: 0 }),
    ],
    families: ['v4'],
  }),
  'without-status-port': proxyIntent({ statusPort: 0, probes: [probe('readyz', http)], families: ['v6'] }),
  'own-metrics-merged': proxyIntent({
    metrics: { istio: false, merge: true },
    metricsTargets: [{ scheme: 'HTTP', port: 8080, path: '/metrics' }],
    quitHook: true,
    httpPorts: [],
  }),
};
