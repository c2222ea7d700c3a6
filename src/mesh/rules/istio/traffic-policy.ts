import * as z from 'zod';
import { refused } from '../reading.ts';
import {
  count,
  dnsLabel,
  duration,
  headerName,
  headerText,
  labels,
  portSelector,
  whole,
  wholePercent,
  wrapped,
} from './values.ts';

/** Envoy takes prime numbers only. */
function isPrime(value: number): boolean {
  for (let factor = 2; factor * factor <= value; factor++) if (value % factor === 0) return false;
  return value > 1;
}

const cookie = z.strictObject({
  name: headerName.describe('Name of the cookie.'),
  path: headerText().optional().describe('Its path.'),
  ttl: duration(0)
    .optional()
    .describe(
      'A client without the cookie is given one for this time; 0s is one of the session. Default: none is given.',
    ),
  attributes: refused('a cookie has no attributes but its path and its time'),
});

const ringSize = whole(1, 8_388_608);

const consistentHash = z.strictObject({
  httpHeaderName: headerName.optional().describe('By a header.'),
  httpCookie: cookie.optional().describe('By a cookie.'),
  useSourceIp: z.boolean().optional().describe("By the client's address."),
  httpQueryParameterName: z.string().min(1).optional().describe('By a parameter of the query.'),
  ringHash: z
    .strictObject({ minimumRingSize: ringSize.optional().describe('Default: 1024.') })
    .optional()
    .describe('The hash is looked up on a ring. This is the default.'),
  maglev: z
    .strictObject({
      tableSize: whole(2, 5_000_010)
        .refine(isPrime, { error: 'allowed: a prime number below 5000011, such as 65537' })
        .describe('A prime number.'),
    })
    .optional()
    .describe('The hash is looked up in a table.'),
  minimumRingSize: ringSize.optional().describe('Old form of `ringHash.minimumRingSize`.'),
});

const zones = 'endpoints of all zones are one group; leave it out';

const loadBalancer = z.strictObject({
  simple: z
    .enum(['UNSPECIFIED', 'LEAST_REQUEST', 'LEAST_CONN', 'ROUND_ROBIN', 'RANDOM', 'PASSTHROUGH'])
    .optional()
    .describe(
      'How an endpoint is picked. `PASSTHROUGH`: the one that the client dials. Default, also for `LEAST_CONN`: LEAST_REQUEST.',
    ),
  consistentHash: consistentHash.optional().describe('An endpoint is picked by a hash. Not together with `simple`.'),
  localityLbSetting: refused(zones),
  zoneAwareLbSetting: refused(zones),
  warmup: refused('a new endpoint gets its whole share at once; leave it out'),
  warmupDurationSecs: refused('a new endpoint gets its whole share at once; leave it out'),
});

const connectionPool = z.strictObject({
  tcp: z
    .strictObject({
      maxConnections: count.optional().describe('Most connections. Default, and 0: no limit.'),
      connectTimeout: duration().optional().describe('Time for connecting. Default: 10s.'),
      tcpKeepalive: z
        .strictObject({
          probes: count.optional().describe('Probes without an answer before the connection is lost.'),
          time: duration(1000, 1000).optional().describe('Idle time before the first probe.'),
          interval: duration(1000, 1000).optional().describe('Time between probes.'),
        })
        .optional()
        .describe("Probes of the kernel. Default of each: the kernel's."),
      maxConnectionDuration: duration()
        .optional()
        .describe('How long a connection of HTTP lives at most; without effect on TCP.'),
      idleTimeout: duration(0)
        .optional()
        .describe(
          'When a connection of HTTP without requests is closed, unless `http.idleTimeout` says so; 0s: never. Without effect on TCP.',
        ),
    })
    .optional()
    .describe('Connections.'),
  http: z
    .strictObject({
      http1MaxPendingRequests: count
        .optional()
        .describe('Most requests that wait for a connection. Default, and 0: no limit.'),
      http2MaxRequests: count.optional().describe('Most requests at a time. Default, and 0: no limit.'),
      maxRequestsPerConnection: count
        .optional()
        .describe('After so many requests a connection is closed. Default, and 0: no limit.'),
      maxRetries: count.optional().describe('Most retries at a time. Default, and 0: no limit.'),
      idleTimeout: duration(0)
        .optional()
        .describe('When a connection without requests is closed. Default: that of `tcp`, else 1s.'),
      maxConcurrentStreams: count
        .optional()
        .describe('Most requests at a time on one connection of HTTP/2. Default, and 0: no limit.'),
      h2UpgradePolicy: z
        .enum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'])
        .optional()
        .describe('`UPGRADE`: requests are sent as HTTP/2.'),
      useClientProtocol: z.boolean().optional().describe("Requests are sent in the client's protocol."),
      http2KeepAlive: refused('endpoints are not asked whether they live; leave it out'),
    })
    .optional()
    .describe('Requests.'),
});

const ejections = {
  interval: duration().optional().describe('How often endpoints are looked at. Default: 10s.'),
  baseEjectionTime: duration().optional().describe('For how long the first time; it grows with each. Default: 30s.'),
  maxEjectionPercent: wholePercent
    .optional()
    .describe('Most endpoints that are out at a time. Default, and 0: 10, but always one.'),
  minHealthPercent: wholePercent
    .optional()
    .describe('If fewer endpoints are healthy, all get requests. Default, and 0: never.'),
};

const outlierDetection = z.strictObject({
  consecutive5xxErrors: wrapped(count).describe(
    'Errors of 5xx in a row that put an endpoint out. 0: none do. Default: 5.',
  ),
  consecutiveGatewayErrors: wrapped(count).describe('Errors of 502, 503 and 504 in a row that do. Default: none.'),
  splitExternalLocalOriginErrors: z
    .boolean()
    .optional()
    .describe('Whether failures to connect are counted apart from answers.'),
  consecutiveLocalOriginFailures: wrapped(count).describe(
    'Failures to connect in a row that do, if they are counted apart. Default: 5.',
  ),
  ...ejections,
  consecutiveErrors: count.optional().describe('Without effect, as in Istio: use `consecutive5xxErrors`.'),
  outlierDetectionHttpErrorCodes: refused('errors are those of 5xx; leave it out'),
});

/** Not of Istio's API: what many texts call `outlierDetection`. */
const circuitBreaker = z.strictObject({
  consecutiveErrors: count.optional().describe('Counts as `consecutive5xxErrors`.'),
  ...ejections,
});

const tls = z.strictObject({
  mode: z
    .enum(['DISABLE', 'SIMPLE', 'ISTIO_MUTUAL', 'MUTUAL'])
    .refine((mode) => mode !== 'MUTUAL', {
      error: 'is not supported: proxies have no certificates but those of the mesh; use ISTIO_MUTUAL or SIMPLE',
    })
    .default('DISABLE')
    .describe(
      "`DISABLE`: plain text. `SIMPLE`: TLS without a certificate of the client. `ISTIO_MUTUAL`: the mesh's own. `MUTUAL` is refused.",
    ),
  sni: headerText().min(1).optional().describe('Server name. Default: that of the request.'),
  subjectAltNames: z
    .array(z.string().min(1))
    .optional()
    .describe("Names of which the server's certificate must have one."),
  caCertificates: z
    .string()
    .regex(/^\/[^\0]*$/, { error: 'allowed: the path of a file in the proxy' })
    .optional()
    .describe(
      "File of the authorities that may have signed it, in every client's proxy. Default: those of the proxy's image.",
    ),
  insecureSkipVerify: wrapped(z.boolean()).describe('Whether the certificate is not verified. Only with `SIMPLE`.'),
  clientCertificate: refused('proxies have no certificates but those of the mesh'),
  privateKey: refused('proxies have no certificates but those of the mesh'),
  credentialName: refused('only gateways read Secrets'),
  caCrl: refused('lists of revoked certificates are not read'),
});

const blocks = {
  loadBalancer: loadBalancer.optional().describe('How an endpoint is picked.'),
  connectionPool: connectionPool.optional().describe("Limits of each client's proxy."),
  outlierDetection: outlierDetection
    .optional()
    .describe('Circuit breaking: endpoints that fail get no requests for a while.'),
  tls: tls.optional().describe('TLS to endpoints. Default: mutual TLS of the mesh where they take it.'),
};

const trafficPolicy = z.strictObject({
  ...blocks,
  portLevelSettings: z
    .array(z.strictObject({ port: portSelector.describe('Port of the Service.'), ...blocks }))
    .optional()
    .describe('What holds for one port, in the place of all four blocks: what is left out here has its default.'),
  circuitBreaker: circuitBreaker
    .optional()
    .describe("Not a field of Istio's, which refuses it. Read as `outlierDetection`, with a warning."),
  tunnel: refused('calls are not put into CONNECT; leave it out'),
  proxyProtocol: refused('the PROXY protocol is not sent to endpoints; leave it out'),
  retryBudget: refused('use connectionPool.http.maxRetries, which is a number instead of a share'),
});

/** Fields of a DestinationRule beside its host. */
export const policyFields = {
  trafficPolicy: trafficPolicy.optional().describe('How all ports are called.'),
  subsets: z
    .array(
      z.strictObject({
        name: dnsLabel.describe('Name, for routes.'),
        labels: labels.default({}).describe('Labels of its pods; all must be there.'),
        trafficPolicy: trafficPolicy
          .optional()
          .describe("How its endpoints are called. A block that is left out here is the rule's."),
      }),
    )
    .optional()
    .describe('Parts of the endpoints.'),
};

/** Istio's TrafficPolicy. */
export type IstioPolicy = z.output<typeof trafficPolicy>;
