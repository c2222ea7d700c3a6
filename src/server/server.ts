import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Log } from '../telemetry/log.ts';
import type { ServerMetrics } from '../telemetry/metrics.ts';
import { answerClientError } from './client-error.ts';
import { boundConnections, type Connections } from './connections.ts';
import { isLate } from './deadline.ts';
import { failurePlace } from './failure-place.ts';
import { boundHandshakes } from './handshakes.ts';
import { healthPages, type HealthCheck } from './health.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { BodyRefusal, createBufferBudget, type BufferBudget } from './buffer-budget.ts';
import { stripManagedFields } from './strip-managed-fields.ts';
import { tlsOptions, type KeyPair } from './tls.ts';

/** What answers AdmissionReviews at one path. */
export interface ReviewPage {
  readonly path: string;
  /** Whether it also answers at this path, which continues after its own. */
  continuesAt?(path: string): boolean;
  /**
   * Returns the body of the answer, or a sentence for status 400. Never throws because of a request's content.
   *
   * @param startMs when all of the request was there, in milliseconds of the monotonic clock
   */
  answer(text: string, path: string, startMs: number): { readonly body: string } | { readonly problem: string };
}

/** What the server needs from its creator. */
export interface ServerDependencies {
  readonly keyPair: KeyPair;
  readonly page: ReviewPage;
  checks(): readonly HealthCheck[];
  /** What this replica runs, for `GET /replica`, to which its certificate is added; undefined if there is no such page. */
  readonly replica?: (() => Replica) | undefined;
  readonly log: Log;
  readonly metrics: ServerMetrics;
  /** Monotonic clock in milliseconds. */
  readonly nowMs: () => number;
  readonly limits?: Limits;
}

/** What a replica runs. Whoever reaches the port may read it, so nothing of it is confidential. */
export interface Replica {
  readonly version: string;
  /** Hash of the settings in use. */
  readonly settingsHash: string;
  /** Why newer settings are refused, one line each; empty if those in use are the newest. */
  readonly refused: readonly string[];
}

export interface WebhookServer {
  readonly app: FastifyInstance;
  /** Uses another certificate for new connections. Throws if certificate and key do not match. */
  useKeyPair(pair: KeyPair): void;
  /** Closes the connection after every response from now on, so that callers move to another replica. */
  drain(): void;
}

/** The method that the path allows. */
function methodOf(path: string, { page, replica }: ServerDependencies): string | undefined {
  if (path === '/livez' || path === '/readyz' || (path === '/replica' && replica !== undefined)) return 'GET';
  const isOfPage = path === page.path || (path.startsWith(`${page.path}/`) && page.continuesAt?.(path) === true);
  return isOfPage ? 'POST' : undefined;
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
    /** When the request arrived, in milliseconds of a monotonic clock. */
    receivedMs: number;
  }
}

/** Rejects a request that cannot be answered in time or for which there is no memory. The API server retries on 503. */
async function rejectOverload(
  reply: FastifyReply,
  metrics: ServerMetrics,
  why: 'buffered' | 'late',
): Promise<FastifyReply> {
  metrics.shed.inc({ reason: why });
  return sendText(reply.header('retry-after', '1'), 503, 'Overloaded, try again.');
}

interface Answering {
  readonly dependencies: ServerDependencies;
  readonly connections: Connections;
  readonly buffers: BufferBudget;
  /** Certificate of new connections, PEM. */
  certificate(): string;
}

async function answerReview(
  request: FastifyRequest,
  reply: FastifyReply,
  { dependencies, connections, buffers }: Answering,
): Promise<FastifyReply> {
  const { metrics, page } = dependencies;
  const startMs = dependencies.nowMs();
  const { timeout } = request.query as Record<string, unknown>;
  if (isLate(timeout, startMs - request.receivedMs)) return rejectOverload(reply, metrics, 'late');
  const text = Buffer.isBuffer(request.body) ? stripManagedFields(request.body) : '';
  const answered =
    text === undefined ? { problem: 'The body is not UTF-8.' } : page.answer(text, pathOf(request), startMs);
  if ('problem' in answered) {
    metrics.badRequests.inc({ status: '400' });
    return sendText(reply, 400, answered.problem);
  }
  const { body } = answered;
  connections.welcome(request.raw.socket);
  buffers.holdAnswer(request.raw, body.length);
  return reply.type('application/json').send(body);
}

function installRoutes(app: FastifyInstance, answering: Answering): void {
  const { dependencies } = answering;
  const { page } = dependencies;
  app.post(page.path, async (request, reply) => answerReview(request, reply, answering));
  app.post(`${page.path}/*`, {
    onRequest(request, reply, done) {
      if (methodOf(pathOf(request), dependencies) === undefined) reply.callNotFound();
      else done();
    },
    handler: async (request, reply) => answerReview(request, reply, answering),
  });
  for (const [path, ask] of healthPages(() => dependencies.checks())) {
    app.get(path, async (request, reply) => {
      const { status, body } = ask(new URLSearchParams(request.url.split('?', 2)[1] ?? ''));
      return reply.code(status).type('text/plain; charset=utf-8').send(body);
    });
  }
  const { replica } = dependencies;
  if (replica === undefined) return;
  app.get('/replica', async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify({ ...replica(), certificate: answering.certificate() })),
  );
}

function installErrors(app: FastifyInstance, dependencies: ServerDependencies, limits: Limits): void {
  app.setNotFoundHandler(async (request, reply) => {
    const method = methodOf(pathOf(request), dependencies);
    if (method === undefined) return sendText(reply, 404, 'There is nothing here.');
    dependencies.metrics.badRequests.inc({ status: '405' });
    return sendText(reply.header('allow', method), 405, `Only ${method} is allowed here.`);
  });
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    if (error instanceof BodyRefusal) {
      // Fastify ends the connection after any failure to read a body. The client would meet a reset while it is still
      // sending, instead of the answer that asks it to try again. The rest of any other body will not be read.
      if (error.statusCode === 503) {
        return rejectOverload(reply.removeHeader('connection'), dependencies.metrics, 'buffered');
      }
    }
    const status = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500;
    dependencies.metrics.badRequests.inc({ status: String(status) });
    // An error's message may quote the request; its code never does.
    if (status >= 500) dependencies.log.error({ code: error.code, stack: failurePlace(error) }, 'a request failed');
    return sendText(reply, status, sentenceOf(status, limits));
  });
}

/** Sets a short keep-alive timeout for the connection, and announces it to the client. */
function keepShortly(reply: FastifyReply, timeoutMs: number): void {
  if (reply.getHeader('connection') !== undefined) return;
  reply.header('connection', 'keep-alive').header('keep-alive', `timeout=${Math.floor(timeoutMs / 1_000)}`);
  const { socket } = reply.raw;
  // Node sets its own timeout when the response is finished, and again with the next request.
  reply.raw.once('finish', () => setImmediate(() => socket?.setTimeout(timeoutMs)));
}

/**
 * Creates a webhook's HTTPS server, for reviews by POST, `GET /livez`, `GET /readyz?verbose` and `GET /replica`. The caller
 * must start listening. Throws if certificate and key do not match.
 */
export function createServer(dependencies: ServerDependencies): WebhookServer {
  const limits = dependencies.limits ?? defaultLimits;
  let isDraining = false;
  let { certificate } = dependencies.keyPair;
  const app = Fastify({
    https: {
      ...tlsOptions(dependencies.keyPair),
      connectionsCheckingInterval: limits.timeoutCheckMs,
      headersTimeout: limits.headersTimeoutMs,
    },
    logger: false,
    bodyLimit: limits.bodyBytes,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    // Closes connections without any traffic during a request, whose clients do not read the response. Requests that do
    // not arrive completely time out earlier, with a response.
    connectionTimeout: 2 * limits.requestTimeoutMs,
    exposeHeadRoutes: false,
    // There are no schemas. These compilers keep Fastify from loading its own, which take memory and time.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    // Requests that arrive while the server closes are still answered, because the API server does not retry an EOF.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler(error, socket) {
      // The parser's reason is one of its constants, never what the client sent.
      const { code, reason } = error as NodeJS.ErrnoException & { readonly reason?: string };
      dependencies.metrics.badRequests.inc({ status: 'connection' });
      dependencies.log.debug({ code, reason }, 'a connection broke the protocol');
      answerClientError(code, socket);
    },
    // A path that cannot be decoded reaches no route; Fastify's own response would repeat it.
    frameworkErrors(error, _request, reply) {
      dependencies.metrics.badRequests.inc({ status: '400' });
      dependencies.log.debug({ code: error.code }, 'a request line is malformed');
      void sendText(reply as FastifyReply, 400, sentenceOf(400, limits));
    },
  });
  const { server } = app;
  const connections = boundConnections(server, limits.connections, () =>
    dependencies.metrics.badRequests.inc({ status: 'dropped' }),
  );
  boundHandshakes(server, limits.handshakeTimeoutMs, () =>
    dependencies.log.debug({ limitMs: limits.handshakeTimeoutMs }, 'a TLS handshake takes too long'),
  );
  // Node's own listener makes a `clientError` of it. The answer to that would wait for the end of the handshake, and
  // reach a client whose request nobody has read.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    dependencies.metrics.badRequests.inc({ status: 'tls' });
    dependencies.log.debug({ code: error.code }, 'a TLS handshake failed');
    socket.destroy();
  });
  app.removeAllContentTypeParsers();
  const buffers = createBufferBudget(limits);
  dependencies.metrics.observeBuffers(() => buffers);
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: Readable, done) => {
    if (request.headers['content-encoding'] === undefined) buffers.readBody(request.raw, payload, done);
    else done(Object.assign(new Error('content encoding'), { statusCode: 415, code: 'SI_CONTENT_ENCODING' }));
  });
  app.decorateRequest('receivedMs', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedMs = dependencies.nowMs();
    if (request.method === 'POST') buffers.track(request.raw, reply.raw);
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (isDraining) reply.header('connection', 'close');
    else if (!connections.isWelcome(request.raw.socket)) keepShortly(reply, limits.strangerTimeoutMs);
    done();
  });
  installRoutes(app, { dependencies, connections, buffers, certificate: () => certificate });
  installErrors(app, dependencies, limits);
  return {
    app,
    useKeyPair(pair) {
      server.setSecureContext(tlsOptions(pair));
      ({ certificate } = pair);
    },
    drain: () => {
      isDraining = true;
    },
  };
}
