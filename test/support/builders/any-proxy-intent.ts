import * as fc from 'fast-check';
import type { PortRange } from '../../../src/grammar/port-range.ts';
import { probe, proxyIntent } from './proxy-intent.ts';

type ProxyIntent = ReturnType<typeof proxyIntent>;

const anyPort = fc.integer({ min: 1, max: 65_535 });

/** Text of a user: in labels, paths and names of other things; whatever it is, it is Unicode. */
const anyText = fc.oneof(
  fc.constantFrom('', '$(POD_IP)', '%REQ(X)%', 'a"}],{*x &y', '\u0000', '🚀', '@type', '__proto__'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);

const anyRanges = fc
  .array(fc.tuple(anyPort, anyPort), { maxLength: 5 })
  .map((pairs) =>
    pairs.map(([one, other]): PortRange => ({ first: Math.min(one, other), last: Math.max(one, other) })),
  );

const anyScheme = fc.constantFrom('HTTP', 'HTTPS');

const anyHttp = fc.record(
  { type: fc.constant('http'), scheme: anyScheme, port: anyPort, path: anyText, host: fc.constantFrom('shop.example') },
  { requiredKeys: ['type', 'scheme', 'port', 'path'] },
);
const anyTcp = fc.record({ type: fc.constant('tcp'), port: anyPort });
const anyGrpc = fc.record(
  { type: fc.constant('grpc'), port: anyPort, service: anyText },
  { requiredKeys: ['type', 'port'] },
);

const anyProbe = fc
  .record({
    kind: fc.constantFrom('readyz', 'livez', 'startupz', 'prestopz', 'poststartz'),
    action: fc.oneof(anyHttp, anyTcp, anyGrpc),
    timeoutSeconds: fc.integer({ min: 0, max: 100_000 }),
    periodSeconds: fc.integer({ min: 0, max: 100_000 }),
  })
  .map(({ kind, action, timeoutSeconds, periodSeconds }) => probe(kind, action, { timeoutSeconds, periodSeconds }));

const anyTarget = fc.record({ scheme: anyScheme, port: anyPort, path: anyText });

/** Proxies with any choice of everything that a configuration may have. */
export const anyProxyIntent: fc.Arbitrary<ProxyIntent> = fc
  .record(
    {
      workload: anyText,
      clusterDomain: anyText,
      statusPort: fc.oneof(fc.constant(0), anyPort),
      outboundTrafficPolicy: fc.constantFrom('ALLOW_ANY', 'REGISTRY_ONLY'),
      httpPorts: anyRanges,
      httpInboundPorts: fc.array(anyPort, { maxLength: 5 }),
      opaquePorts: anyRanges,
      opaqueInboundPorts: fc.array(anyPort, { maxLength: 5 }),
      protocolDetectionTimeoutMs: fc.integer({ min: 0, max: 60_000 }),
      maxConnections: fc.integer({ min: 1, max: 10_000_000 }),
      accessLog: fc.constantFrom('stdout', 'file', 'none'),
      metrics: fc.record({ istio: fc.boolean(), merge: fc.boolean() }),
      metricsTargets: fc.array(anyTarget, { maxLength: 3 }),
      tracing: fc.option(
        fc.record({
          host: anyText,
          port: anyPort,
          samplingPercent: fc.double({ min: 0, max: 100, noNaN: true }),
        }),
        { nil: undefined },
      ),
      admin: fc.constantFrom('port', 'socket'),
      quitHook: fc.boolean(),
      service: fc.record({ name: anyText, revision: anyText, app: anyText, version: anyText }),
      probes: fc.array(anyProbe, { maxLength: 5 }),
      families: fc.constantFrom<ProxyIntent['settings']['capture']['families']>(['v4'], ['v6'], ['v4', 'v6']),
    },
    { requiredKeys: [] },
  )
  .map((changes) => proxyIntent(changes));
