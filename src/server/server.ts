import type { Readable } from 'node:stream';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { review } from '../admission/handler.ts';
import { patchLength } from '../injection/patch/patch-text.ts';
import type { Injector } from '../injection/injector.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createAnswerEncoder } from './answer-body.ts';
import { refuseConnection } from './broken-connection.ts';
import { boundConnections, type Connections } from './connections.ts';
import { isLate } from './deadline.ts';
import { failurePlace } from './failure-place.ts';
import { healthPages, type HealthCheck } from './health.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { describeReview } from './review-log.ts';
import { BodyRefusal, createReception, type Reception } from './reception.ts';
import { readReviewText } from './review-text.ts';
import { tlsOptions, type KeyPair } from './tls.ts';

/** Everything that the server needs from outside. */
export interface ServerPorts {
  readonly keyPair: KeyPair;
  /** The injector of the moment; a request sees exactly one. */
  injector(): Injector;
  checks(): readonly HealthCheck[];
  readonly log: Log;
  readonly metrics: Metrics;
  /** Monotonic clock in milliseconds. */
  readonly nowMs: () => number;
  readonly limits?: Limits;
}

export interface WebhookServer {
  readonly app: FastifyInstance;
  /** Presents another certificate to new connections; open ones go on. Throws on a pair that does not match. */
  useKeyPair(pair: KeyPair): void;
  /** From now on every answer ends its connection, so that callers move to another replica. */
  drain(): void;
}

const allowed: ReadonlyMap<string, string> = new Map([
  ['/inject', 'POST'],
  ['/livez', 'GET'],
  ['/readyz', 'GET'],
]);

const noVariables = { variables: undefined } as const;

/** Beside an istiod the address may go on after `/inject`, with variables of the proxy. */
function methodOf(path: string, { flavour }: Injector): string | undefined {
  return allowed.get(path) ?? (flavour.readAddress !== undefined && path.startsWith('/inject/') ? 'POST' : undefined);
}

async function sendText(reply: FastifyReply, status: number, sentence: string): Promise<FastifyReply> {
  return reply.code(status).type('text/plain; charset=utf-8').send(`${sentence}\n`);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

function sentenceOf(status: number, limits: Limits): string {
  if (status === 413) return `The body is larger than ${limits.bodyBytes} bytes.`;
  if (status === 415) return 'The content type must be application/json, without a content encoding.';
  if (status >= 500) return 'The injector failed.';
  return 'The request is malformed.';
}

function noCompiler(): () => never {
  return () => {
    throw new Error('no route has a schema');
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request line arrived, milliseconds of a monotonic clock. */
    receivedMs: number;
  }
}

/** Refuses work that cannot be done in time, or for which there is no memory. The API server retries such a 503. */
async function shed(reply: FastifyReply, metrics: Metrics, why: 'buffered' | 'late'): Promise<FastifyReply> {
  metrics.shed.inc({ reason: why });
  return sendText(reply.header('retry-after', '1'), 503, 'Overloaded, try again.');
}

interface Answering {
  readonly ports: ServerPorts;
  readonly connections: Connections;
  readonly reception: Reception;
  readonly encodeAnswer: ReturnType<typeof createAnswerEncoder>;
}

async function answerReview(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, connections, reception, encodeAnswer }: Answering,
): Promise<FastifyReply> {
  const { log, metrics } = ports;
  const startMs = ports.nowMs();
  const { timeout } = request.query as Record<string, unknown>;
  if (isLate(timeout, startMs - request.receivedMs)) return shed(reply, metrics, 'late');
  const text = Buffer.isBuffer(request.body) ? readReviewText(request.body) : '';
  if (text === undefined) {
    metrics.badRequests.inc({ status: '400' });
    return sendText(reply, 400, 'The body is not UTF-8.');
  }
  const injector = ports.injector();
  const address = injector.flavour.readAddress?.(pathOf(request)) ?? noVariables;
  const reviewed = 'problem' in address ? address : review(text, injector, address.variables);
  if ('problem' in reviewed) {
    metrics.badRequests.inc({ status: '400' });
    return sendText(reply, 400, reviewed.problem);
  }
  const { decision } = reviewed;
  const durationMs = ports.nowMs() - startMs;
  const [first] = decision.reasons;
  metrics.reviews.inc({ outcome: decision.outcome, reason: first.code });
  metrics.duration.observe({ outcome: decision.outcome }, durationMs / 1_000);
  const patchBytes = patchLength(decision.patch);
  if (patchBytes > 0) metrics.patchBytes.observe(patchBytes);
  const fields = describeReview(reviewed, durationMs, patchBytes);
  if (reviewed.failure !== undefined) {
    metrics.failures.inc();
    log.error({ ...fields, stack: failurePlace(reviewed.failure) }, 'a review could not be decided');
  }
  log.info(fields, 'review');
  const answer = encodeAnswer(reviewed.answer);
  connections.welcome(request.raw.socket);
  reception.answer(request.raw, answer.length);
  return reply.type('application/json').send(answer);
}

function installRoutes(app: FastifyInstance, answering: Answering): void {
  const { ports } = answering;
  app.post('/inject', async (request, reply) => answerReview(request, reply, answering));
  app.post('/inject/*', {
    onRequest(request, reply, done) {
      if (methodOf(pathOf(request), ports.injector()) === undefined) reply.callNotFound();
      else done();
    },
    handler: async (request, reply) => answerReview(request, reply, answering),
  });
  for (const [path, ask] of healthPages(() => ports.checks())) {
    app.get(path, async (request, reply) => {
      const { status, body } = ask(new URLSearchParams(request.url.split('?', 2)[1] ?? ''));
      return reply.code(status).type('text/plain; charset=utf-8').send(body);
    });
  }
}

function installErrors(app: FastifyInstance, ports: ServerPorts, limits: Limits): void {
  app.setNotFoundHandler(async (request, reply) => {
    const method = methodOf(pathOf(request), ports.injector());
    if (method === undefined) return sendText(reply, 404, 'There is nothing here.');
    ports.metrics.badRequests.inc({ status: '405' });
    return sendText(reply.header('allow', method), 405, `Only ${method} is allowed here.`);
  });
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    if (error instanceof BodyRefusal) {
      // The rest of such a body is not read.
      if (error.statusCode !== 503) reply.header('connection', 'close');
      else return shed(reply, ports.metrics, 'buffered');
    }
    const status = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500;
    ports.metrics.badRequests.inc({ status: String(status) });
    // The error's own text may quote the request; its code never does.
    if (status >= 500) ports.log.error({ code: error.code, stack: failurePlace(error) }, 'a request failed');
    return sendText(reply, status, sentenceOf(status, limits));
  });
}

/** Keeps the connection for a short time after the answer, and says so. */
function keepShortly(reply: FastifyReply, timeoutMs: number): void {
  if (reply.getHeader('connection') !== undefined) return;
  reply.header('connection', 'keep-alive').header('keep-alive', `timeout=${Math.floor(timeoutMs / 1_000)}`);
  const { socket } = reply.raw;
  // Node sets its own time when the answer is out, and takes ours back with the next request.
  reply.raw.once('finish', () => setImmediate(() => socket?.setTimeout(timeoutMs)));
}

/**
 * The webhook's HTTPS server: `POST /inject`, `GET /livez`, `GET /readyz?verbose`, and nothing else. It does not listen
 * yet; the caller does. Throws when certificate and key do not match.
 */
export function createServer(ports: ServerPorts): WebhookServer {
  const limits = ports.limits ?? defaultLimits;
  let isDraining = false;
  const app = Fastify({
    https: {
      ...tlsOptions(ports.keyPair),
      handshakeTimeout: limits.handshakeTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
      headersTimeout: limits.headersTimeoutMs,
    },
    logger: false,
    bodyLimit: limits.bodyBytes,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    // Of a connection on which nothing moves during a request: its client does not read the answer. A request that
    // does not arrive gets an answer before that.
    connectionTimeout: 2 * limits.requestTimeoutMs,
    exposeHeadRoutes: false,
    // There are no schemas. Compilers that do nothing keep Fastify from loading its own, which take room and time.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    // A request that arrives while the server closes is still answered, the API server does not retry an EOF.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler(error, socket) {
      const { code } = error as NodeJS.ErrnoException;
      ports.metrics.badRequests.inc({ status: 'connection' });
      ports.log.debug({ code }, 'a connection broke the protocol');
      refuseConnection(code, socket);
    },
    // A path that does not decode never reaches a route; Fastify's own answer would repeat it.
    frameworkErrors(error, _request, reply) {
      ports.metrics.badRequests.inc({ status: '400' });
      ports.log.debug({ code: error.code }, 'a request line is malformed');
      void sendText(reply as FastifyReply, 400, sentenceOf(400, limits));
    },
  });
  const { server } = app;
  const connections = boundConnections(server, limits.connections, () =>
    ports.metrics.badRequests.inc({ status: 'dropped' }),
  );
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    ports.metrics.badRequests.inc({ status: 'tls' });
    ports.log.debug({ code: error.code }, 'a TLS handshake failed');
  });
  app.removeAllContentTypeParsers();
  const reception = createReception(limits);
  ports.metrics.showReception(() => reception);
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: Readable, done) => {
    if (request.headers['content-encoding'] === undefined) reception.receive(request.raw, payload, done);
    else done(Object.assign(new Error('content encoding'), { statusCode: 415, code: 'SI_CONTENT_ENCODING' }));
  });
  app.decorateRequest('receivedMs', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedMs = ports.nowMs();
    if (request.method === 'POST') reception.open(request.raw, reply.raw);
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (isDraining) reply.header('connection', 'close');
    else if (!connections.isWelcome(request.raw.socket)) keepShortly(reply, limits.strangerTimeoutMs);
    done();
  });
  installRoutes(app, { ports, connections, reception, encodeAnswer: createAnswerEncoder() });
  installErrors(app, ports, limits);
  return {
    app,
    useKeyPair: (pair) => server.setSecureContext(tlsOptions(pair)),
    drain: () => {
      isDraining = true;
    },
  };
}
