// serve.ts   an application for scenarios; it takes its orders from environment variables
//   PORT         HTTP (default 8080): answers what it saw as JSON; /slow answers after a second, /wait?ms=N after N ms and logs
//                it, /status/N with that status, /moved?to=URL redirects (&status=N); {ip} in URL is POD_IP;
//                /flaky?of=N with 503, but every Nth time with 200
//   BANNER_PORT  TCP: speaks first, as SMTP and MySQL do
//   TLS_PORT     HTTPS with the certificate in TLS_CERT and TLS_KEY
//   LAST_CALL    URL that is asked after SIGTERM, before the process ends; the answer is logged
//   LOG_URLS     if there is any text, the URL of each request is logged
//   LINGER_MS    how long it serves on after SIGTERM, closing each connection after its answer
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { hostname } from 'node:os';

const env = process.env;
const say = (fields: object) => process.stdout.write(`${JSON.stringify(fields)}\n`);

let ending = false;
let flaky = 0;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers, socket } = request;
  const body = JSON.stringify({ host: hostname(), peer: socket.remoteAddress, method, url, headers });
  if (env['LOG_URLS'] !== undefined) say({ event: 'asked', url });
  if (ending) response.setHeader('connection', 'close');
  const send = () => response.setHeader('content-type', 'application/json').end(`${body}\n`);
  const { pathname, searchParams } = new URL(url ?? '/', 'http://serve');
  const status = Number(searchParams.get('status') ?? /^\/status\/(\d+)$/.exec(pathname)?.[1] ?? 200);
  if (pathname === '/moved') {
    const to = (searchParams.get('to') ?? '').replaceAll('{ip}', env['POD_IP'] ?? '');
    response.writeHead(searchParams.has('status') ? status : 302, { location: to }).end();
  } else if (pathname.startsWith('/status/')) {
    response.writeHead(status).end();
  } else if (pathname === '/flaky') {
    flaky += 1;
    response.writeHead(flaky % Number(searchParams.get('of')) === 0 ? 200 : 503).end();
  } else if (pathname === '/wait') {
    setTimeout(
      () => {
        say({ event: 'waited' });
        send();
      },
      Number(searchParams.get('ms')),
    );
  } else if (url === '/slow') setTimeout(send, 1000);
  else send();
}

createServer(answer).listen(Number(env['PORT'] ?? 8080));
if (env['BANNER_PORT'] !== undefined) {
  createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('220 ready when you are\r\n');
  }).listen(Number(env['BANNER_PORT']));
}
if (env['TLS_PORT'] !== undefined) {
  createTlsServer({ cert: env['TLS_CERT'], key: env['TLS_KEY'] }, answer).listen(Number(env['TLS_PORT']));
}
say({ event: 'serving' });

process.once('SIGTERM', () => void end());

async function end(): Promise<void> {
  ending = true;
  say({ event: 'told to end', atMs: Date.now() });
  await new Promise((resolve) => setTimeout(resolve, Number(env['LINGER_MS'] ?? 0)));
  if (env['LAST_CALL'] !== undefined) {
    const result = await fetch(env['LAST_CALL']).then(
      (response) => ({ status: response.status }),
      (error: unknown) => ({ error: String(error) }),
    );
    say({ event: 'last call', ...result });
  }
  process.exit(0);
}
