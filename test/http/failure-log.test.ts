import { afterEach, expect, test } from '@jest/globals';
import { createInjector, type Injector } from '../../src/injection/injector.ts';
import { podOf, reviewOf } from '../support/builders/reviews.ts';
import { postReview } from '../support/http/https-client.ts';
import { converse } from '../support/http/tls-client.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';
import { snapshotOf } from '../support/builders/snapshots.ts';

const secret = 'hunter2-Zm9vYmFy';
const working = createInjector(snapshotOf());

function fails(): never {
  throw Object.assign(new TypeError(`cannot read ${secret}\n    at ${secret}`), { pod: secret });
}

let webhook: Webhook;
afterEach(() => webhook.close());

test.each<[where: string, injector: Injector, status: number, line: string]>([
  ['a decision', { ...working, decideInPlace: fails }, 200, 'a review could not be decided'],
  ['what is around it', Object.defineProperty({ ...working }, 'snapshot', { get: fails }), 500, 'a request failed'],
])('a failure in %s is logged with its place and without its text', async (_where, injector, status, line) => {
  webhook = await startWebhook({ injector });
  const answer = await postReview(webhook, reviewOf(podOf()));
  expect(answer.status).toBe(status);
  expect(webhook.log()).toContain(line);
  expect(webhook.log()).toMatch(/TypeError\\n {4}at (?:Object\.)?fails .*failure-log\.test\.ts:/);
  expect(webhook.log()).not.toContain('hunter2');
  expect(JSON.stringify(answer)).not.toContain('hunter2');
});

test('a request that cannot be parsed is logged with the reason of the parser and without its text', async () => {
  webhook = await startWebhook();
  await converse(webhook, `${secret} /inject HTTP/1.1\r\n\r\n`);
  expect(webhook.log()).toContain('"code":"HPE_INVALID_METHOD","reason":"Invalid method encountered"');
  expect(webhook.log()).not.toContain('hunter2');
});
