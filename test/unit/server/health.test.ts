import { expect, test } from '@jest/globals';
import { writeHealth } from '../../../src/server/health.ts';

const good = { name: 'certificate', ready: true, reason: 'serving' };
const bad = { name: 'shutdown', ready: false, reason: 'draining' };

test.each([
  ['nothing to check', [], false, 200, 'ok\n'],
  ['all good', [good], false, 200, 'ok\n'],
  ['all good, in full', [good], true, 200, '[+] certificate: serving\nok\n'],
  ['one bad', [good, bad], false, 503, '[+] certificate: serving\n[-] shutdown: draining\nnot ready\n'],
  ['one bad, in full', [bad], true, 503, '[-] shutdown: draining\nnot ready\n'],
])('%s', (_what, checks, verbose, status, body) => {
  expect(writeHealth(checks, verbose)).toEqual({ status, body });
});
