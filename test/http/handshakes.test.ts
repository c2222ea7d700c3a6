import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { openConnection } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

const handshakeTimeoutMs = 300;

let webhook: Webhook;
let relay: Server | undefined;
afterEach(async () => {
  relay?.close();
  relay = undefined;
  await webhook.close();
});

test('a handshake is not too slow because the webhook itself was busy', async () => {
  webhook = await startWebhook({ limits: { handshakeTimeoutMs } });
  webhook.server.app.server.once('connection', () => {
    const end = performance.now() + 2 * handshakeTimeoutMs;
    while (performance.now() < end);
  });
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).patchType).toBe('JSONPatch');
  expect(await webhook.sample('sidecar_injector_bad_requests_total{status="tls"}')).toBeUndefined();
});

/** A way to the webhook on which what the client says after its first words comes when the server has given it up. */
async function startSlowRelay(): Promise<number> {
  const forward = (from: Socket): void => {
    const to = connect(webhook.port, '127.0.0.1');
    to.pipe(from);
    from.once('data', (hello) => {
      to.write(hello);
      from.pause();
      void wait(2 * handshakeTimeoutMs).then(() => from.pipe(to));
    });
    for (const socket of [from, to]) socket.on('error', () => undefined);
  };
  relay = createServer(forward);
  await new Promise<void>((resolve) => void relay?.listen(0, '127.0.0.1', resolve));
  return (relay.address() as AddressInfo).port;
}

test('a handshake that came too late ends without an answer to a request that is as good as any', async () => {
  webhook = await startWebhook({ limits: { handshakeTimeoutMs } });
  const connection = await openConnection({ port: await startSlowRelay(), ca: webhook.ca });
  connection.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  await connection.closed;
  expect(connection.received()).toBe('');
  const counted = 'sidecar_injector_bad_requests_total{status="tls"}';
  expect(await until('it is counted', () => webhook.sample(counted))).toBe(1);
  expect(await webhook.sample('sidecar_injector_bad_requests_total{status="connection"}')).toBeUndefined();
});
