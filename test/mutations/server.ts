import type { Edit } from './edit.ts';

const file = 'src/server/limits.ts';

/** Each bound of the server, much larger or (for idle connections) too small. */
const bounds = (
  [
    ['the size of a body', 'bodyBytes: 7 * mebibyte', 'bodyBytes: 70 * mebibyte'],
    ['the memory of all bodies', 'bufferedBytes: 48 * mebibyte', 'bufferedBytes: 480 * mebibyte'],
    ['the memory that each body has for itself', 'reservedBytes: 32 * 1024', 'reservedBytes: 320 * 1024'],
    ['how long a client may stand still', 'stallMs: 250', 'stallMs: 25_000'],
    ['the time of a body', 'bodyTimeoutMs: 2_000', 'bodyTimeoutMs: 20_000'],
    ['the time of a large body', 'bodyTimeoutPerMebibyteMs: 1_000', 'bodyTimeoutPerMebibyteMs: 10_000'],
    ["the API server's idle connections", 'keepAliveTimeoutMs: 120_000', 'keepAliveTimeoutMs: 60_000'],
    ["strangers' idle connections", 'strangerTimeoutMs: 5_000', 'strangerTimeoutMs: 120_000'],
    ['the time of the headers', 'headersTimeoutMs: 5_000', 'headersTimeoutMs: 30_000'],
    ['the time of a request', 'requestTimeoutMs: 15_000', 'requestTimeoutMs: 150_000'],
    ['the time of a handshake', 'handshakeTimeoutMs: 5_000', 'handshakeTimeoutMs: 120_000'],
    ['how often slow connections are looked for', 'timeoutCheckMs: 1_000', 'timeoutCheckMs: 30_000'],
    ['the number of connections', 'connections: 2_048', 'connections: 65_536'],
  ] as const
).map(([protects, text, replacement]): Edit => ({
  protects,
  file,
  text,
  replacement,
  tests: ['test/unit/server/limits.test.ts'],
}));

const reception = { file: 'src/server/buffer-budget.ts', tests: ['test/unit/server/buffer-budget.test.ts'] };
const connections = { file: 'src/server/connections.ts', tests: ['test/unit/server/connections.test.ts'] };
const alone = { file: 'src/server/server.ts', tests: ['test/http/bounds.test.ts'] };
const tls = { file: 'src/server/tls.ts', tests: ['test/unit/server/tls.test.ts'] };

/** Bytes, connections and time of the webhook's clients, and what of a pod is logged. */
export const server: readonly Edit[] = [
  ...bounds,
  {
    protects: 'a slow body is given up',
    ...reception,
    text: 'if (account.age > account.deadline) ',
    replacement: 'if (account.age > 1e9) ',
  },
  {
    protects: 'a body larger than the bound is refused as it arrives',
    ...reception,
    text: 'if (bytes > limits.bodyBytes) ',
    replacement: 'if (bytes > 1e9) ',
  },
  {
    protects: 'a body that is declared larger than the bound is refused at once',
    ...reception,
    text: 'if ((declaredBytes(request) ?? 0) > limits.bodyBytes) {',
    replacement: 'if ((declaredBytes(request) ?? 0) > 1e9) {',
  },
  {
    protects: 'bodies that do not fit are refused',
    ...reception,
    text: 'if (!makeRoom(account)) return',
    replacement: 'if (!makeRoom(account) && false) return',
  },
  {
    protects: 'bytes are counted as they arrive, beyond what each has for itself',
    ...reception,
    text: 'sharedBytes += beyondReserve(bytes) - beyondReserve(account.bytes);',
    replacement: 'sharedBytes += bytes - account.bytes;',
  },
  {
    protects: 'a client that stands still gives way',
    ...reception,
    text: 'stalled > (found?.[1].stalled ?? roundsOf(limits.stallMs))',
    replacement: 'stalled > 1e9',
  },
  {
    protects: 'an answer that nobody takes counts',
    ...reception,
    text: 'request[evict] = () => request.socket.destroy();\n      resize(account, bytes);',
    replacement: 'request[evict] = () => request.socket.destroy();',
  },
  {
    protects: 'connections are bounded',
    ...connections,
    text: 'if (strangers.size + welcomed.size >= most) {',
    replacement: 'if (strangers.size + welcomed.size >= 1e9) {',
  },
  {
    protects: 'strangers lose their connections before those that brought reviews',
    ...connections,
    text: 'strangers.size > 0 ? strangers : welcomed',
    replacement: 'welcomed.size > 0 ? welcomed : strangers',
  },
  {
    protects: 'the webhook bounds its connections',
    ...alone,
    text: 'boundConnections(server, limits.connections, ',
    replacement: 'boundConnections(server, 1e9, ',
    only: 'number of connections',
  },
  {
    protects: 'a connection without a handshake ends',
    ...alone,
    text: 'boundHandshakes(server, limits.handshakeTimeoutMs, ',
    replacement: 'boundHandshakes(server, 1e9, ',
    only: 'of a handshake',
  },
  {
    protects: 'no client pays for a pause of ours with its handshake',
    ...alone,
    tests: ['test/http/handshakes.test.ts'],
    text: '      ...tlsOptions(dependencies.keyPair),',
    replacement: '      ...tlsOptions(dependencies.keyPair),\n      handshakeTimeout: limits.handshakeTimeoutMs,',
    only: 'itself was busy',
  },
  {
    protects: 'a failed handshake is not answered',
    ...alone,
    tests: ['test/http/handshakes.test.ts'],
    text: "server.removeAllListeners('tlsClientError');",
    replacement: '',
    only: 'came too late',
  },
  {
    protects: 'headers that stop end',
    ...alone,
    text: 'headersTimeout: limits.headersTimeoutMs,',
    replacement: '',
    only: 'of the headers',
  },
  {
    protects: 'a request that stops ends',
    ...alone,
    text: '    requestTimeout: limits.requestTimeoutMs,',
    replacement: '',
    only: 'of a whole request',
  },
  {
    protects: 'slow connections are looked for often',
    ...alone,
    text: 'connectionsCheckingInterval: limits.timeoutCheckMs,',
    replacement: '',
    only: 'of the headers',
  },
  {
    protects: 'an idle connection of an API server ends at last',
    ...alone,
    text: '    keepAliveTimeout: limits.keepAliveTimeoutMs,',
    replacement: '    keepAliveTimeout: 600_000,',
    only: 'brought a review',
  },
  {
    protects: 'a client that takes no answer is cut off',
    ...alone,
    text: 'connectionTimeout: 2 * limits.requestTimeoutMs,',
    replacement: '',
    only: 'does not take',
  },
  {
    protects: 'a connection that brought no review is kept shortly',
    ...alone,
    text: 'else if (!connections.isWelcome(request.raw.socket)) keepShortly(reply, limits.strangerTimeoutMs);',
    replacement: '',
    only: 'brought none',
  },
  {
    protects: 'a refused client that does not hang up is cut off',
    file: 'src/server/client-error.ts',
    text: 'setTimeout(() => socket.destroy(), lingerMs)',
    replacement: 'setTimeout(() => undefined, lingerMs)',
    tests: ['test/http/slow-clients.test.ts'],
    only: 'never hangs up',
  },
  {
    protects: 'a review whose caller has given up costs nothing',
    file: 'src/server/server.ts',
    text: "if (isLate(timeout, startMs - request.receivedMs)) return rejectOverload(reply, metrics, 'late');",
    replacement: '',
    tests: ['test/http/deadlines.test.ts'],
  },
  {
    protects: 'no client has the handshake repeated',
    file: 'src/server/tls.ts',
    text: 'secureOptions: constants.SSL_OP_NO_RENEGOTIATION,',
    replacement: '',
    tests: ['test/http/tls.test.ts'],
  },
  {
    protects: 'the metrics and health ports bound their connections',
    file: 'src/server/plain-server.ts',
    text: 'boundConnections(server, connections, () => undefined);',
    replacement: '',
    tests: ['test/unit/server/plain-server.test.ts'],
  },
  {
    protects: 'a body that is no UTF-8 is refused',
    file: 'src/server/strip-managed-fields.ts',
    text: 'if (!isUtf8(body)) return undefined;',
    replacement: '',
    tests: ['test/unit/server/strip-managed-fields.test.ts'],
  },
  {
    protects: 'the name of managed fields in a text is not mistaken',
    file: 'src/server/strip-managed-fields.ts',
    text: '(body[at - 1] !== comma && body[at - 1] !== openBrace)',
    replacement: 'body[at - 1] === undefined',
    tests: ['test/unit/server/strip-managed-fields.test.ts'],
  },
  {
    protects: 'the text of a failure, which may quote the pod, is not logged',
    file: 'src/server/failure-place.ts',
    text: 'stack.slice(at === -1 ? 0 : at + message.length)',
    replacement: 'stack',
    tests: ['test/unit/server/failure-place.test.ts'],
  },
  {
    protects: 'lines of a changed text are not logged',
    file: 'src/server/failure-place.ts',
    text: 'lines.filter((line) => frame.test(line))',
    replacement: 'lines',
    tests: ['test/unit/server/failure-place.test.ts'],
  },
  {
    protects: 'a failure of a decision is logged by its place alone',
    file: 'src/server/server.ts',
    text: '{ ...fields, stack: failurePlace(reviewed.failure) }',
    replacement: '{ ...fields, err: reviewed.failure }',
    tests: ['test/http/failure-log.test.ts'],
  },
  {
    protects: 'a failure around a decision is logged by its place alone',
    file: 'src/server/server.ts',
    text: '{ code: error.code, stack: failurePlace(error) }',
    replacement: '{ code: error.code, stack: error.stack }',
    tests: ['test/http/failure-log.test.ts'],
  },
  {
    protects: 'names in the log are cut',
    file: 'src/server/review-log.ts',
    text: 'return text.length > longestField ?',
    replacement: 'return text.length > 1e9 ?',
    tests: ['test/unit/server/review-log.test.ts'],
  },
  {
    protects: 'TLS 1.2 is the least',
    ...tls,
    text: "minVersion: 'TLSv1.2'",
    replacement: "minVersion: 'TLSv1'",
  },
  {
    protects: 'every cipher authenticates',
    ...tls,
    text: "  'ECDHE-RSA-CHACHA20-POLY1305',\n",
    replacement: "  'ECDHE-RSA-CHACHA20-POLY1305',\n  'AES128-SHA',\n",
  },
  {
    protects: 'no server without a certificate',
    ...tls,
    text: "if (pair.certificate === '' || pair.privateKey === '') throw",
    replacement: "if (pair.certificate === 'none') throw",
  },
];
