import * as z from 'zod';
import { hostAndPort } from '../../grammar/address.ts';
import { ports, reservedPorts } from '../../pod/conventions.ts';
import { componentLogLevel, imageReference, logLevel, portList } from '../../grammar/grammar.ts';
import { parsed, pullPolicy, resources, seconds, written } from './values.ts';

const readiness = z.strictObject({
  initialDelaySeconds: seconds.default(0),
  periodSeconds: seconds.min(1).default(15),
  failureThreshold: z.number().int().min(1).max(10_000).default(4),
});

const metrics = z.strictObject({
  /** Istio's standard metrics on `/stats/prometheus` of the status port and of 15090. */
  istio: z.boolean().default(true),
  /** Append the application's metrics, and point `prometheus.io/*` at the status port. */
  merge: z.boolean().default(false),
});

const tracing = z
  .strictObject({
    /** Address of the OpenTelemetry collector (OTLP over gRPC). */
    otlpAddress: parsed(hostAndPort),
    /** Percentage of requests to trace if the caller has not decided yet. */
    samplingPercent: z.number().min(0).max(100).default(1),
  })
  .transform(({ otlpAddress, ...rest }) => ({ ...otlpAddress, ...rest }));

/** Settings of the built-in proxy. */
export const proxy = z.strictObject({
  image: written(imageReference).default('envoyproxy/envoy:v1.40.0'),
  /** Images that annotations and overrides may set; a trailing `*` matches any suffix. */
  allowedImages: z.array(z.string().min(1)).default([]),
  imagePullPolicy: pullPolicy.optional(),
  imagePullSecrets: z.array(z.string().min(1)).default([]),
  logLevel: written(logLevel).default('warning'),
  componentLogLevel: written(componentLogLevel).default('misc:error'),
  statusPort: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .refine((port) => !reservedPorts.has(port), 'is a port of the proxy itself; allowed: any other port')
    .default(ports.status),
  holdApplicationUntilProxyStarts: z.boolean().default(false),
  clusterDomain: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'allowed: a DNS name')
    .default('cluster.local'),
  outboundTrafficPolicy: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY'),
  protocolDetectionTimeoutMs: z.number().int().min(0).max(60_000).default(500),
  /** Ports on which HTTP and TLS are detected. On all others, whatever is sent is forwarded as bytes. */
  httpPorts: parsed(portList).prefault('80,443,8080-8089,8443,50051'),
  /** Ports without protocol detection, whatever else names them: the proxy would alter the HTTP there (Squid). */
  opaquePorts: parsed(portList).prefault('21,22,25,53,110,143,465,587,993,995,3128,3306,4222,5432,6379,27017'),
  /** Limit of open client connections. Defaults to what fits into the memory limit. */
  maxConnections: z.number().int().min(1).max(10_000_000).optional(),
  /** JSON lines on standard output, or in /var/log/istio/access.log on the volume `istio-logs`. */
  accessLog: z.enum(['stdout', 'file', 'none']).default('stdout'),
  metrics: metrics.prefault({}),
  tracing: tracing.optional(),
  /** Envoy's admin interface: on 127.0.0.1:15000, or on a Unix socket that only the proxy's user can open. */
  admin: z.enum(['port', 'socket']).default('port'),
  /** Whether the application can stop the proxy with POST 127.0.0.1:15004/quitquitquit, for Jobs with a classic proxy. */
  quitHook: z.boolean().default(false),
  /** How long application containers without a preStop hook sleep before they stop, in seconds; 0 for no hook. */
  applicationDrainSeconds: z.number().int().min(0).max(3600).default(0),
  readiness: readiness.prefault({}),
  resources: resources({
    requests: { cpu: '100m', memory: '128Mi' },
    limits: { cpu: '2', memory: '1Gi' },
  }),
});
