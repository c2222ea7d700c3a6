import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import { createExpiryNotice } from '../../../src/runtime/expiry-notice.ts';
import { createLog } from '../../../src/telemetry/log.ts';

const day = 24 * 60 * 60 * 1000;
const now = new Date('2026-06-01T12:00:00.000Z');
const inDays = (days: number): Date => new Date(now.getTime() + days * day);

/** A notice whose Events are created, or fail. */
function open(failure?: ApiError) {
  const posted: (readonly [path: string, body: JsonObject])[] = [];
  const lines: string[] = [];
  const notice = createExpiryNotice(
    {
      get: () => Promise.resolve({ body: { metadata: { uid: 'u-1' } } }),
      post(path, body) {
        posted.push([path, body]);
        return failure === undefined ? Promise.resolve({ body }) : Promise.reject(failure);
      },
    },
    { namespace: 'system', replica: 'mesh-0', log: createLog('info', { write: (line) => void lines.push(line) }) },
  );
  return { notice, posted, lines };
}

test('an authority that ends in less than thirty days is told of once a day', async () => {
  const { notice, posted, lines } = open();
  await notice.look('root', inDays(31), now);
  expect([posted, lines]).toEqual([[], []]);
  await notice.look('root', inDays(29), now);
  await notice.look('root', inDays(29), new Date(now.getTime() + day / 4));
  expect(posted).toEqual([
    [
      '/apis/events.k8s.io/v1/namespaces/system/events',
      expect.objectContaining({
        metadata: { name: 'root.expires.2026-06-01', namespace: 'system' },
        eventTime: '2026-06-01T12:00:00.000000Z',
        reason: 'AuthorityExpires',
        note: 'the authority in this Secret ends on 2026-06-30T12:00:00.000Z: certificates that it has signed end then',
        regarding: { apiVersion: 'v1', kind: 'Secret', namespace: 'system', name: 'root', uid: 'u-1' },
      }),
    ],
  ]);
  expect(lines.join('')).toContain('an authority of the mesh ends soon');
  await notice.look('root', inDays(29), inDays(1));
  expect(posted).toHaveLength(2);
  await notice.look('other', inDays(29), inDays(1));
  expect(posted).toHaveLength(3);
});

test('what another replica has said already is no failure; anything else is one, in the log alone', async () => {
  const other = open(new ApiError('conflict', 'it exists'));
  await other.notice.look('root', inDays(1), now);
  expect(other.lines).toHaveLength(1);
  const denied = open(new ApiError('forbidden', 'no'));
  await denied.notice.look('root', inDays(1), now);
  expect(denied.lines.at(-1)).toContain('an Event about an authority was not created');
});
