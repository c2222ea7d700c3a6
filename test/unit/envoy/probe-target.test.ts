import { expect, test } from '@jest/globals';
import { probeTarget } from '../../../src/envoy/probe-target.ts';

test.each([
  ['/', '/'],
  ['', '/'],
  ['healthz', '/healthz'],
  ['/healthz?a=b&c=d', '/healthz?a=b&c=d'],
  ['/a b', '/a%20b'],
  ['/a%20b', '/a%20b'],
  ['/100%', '/100%25'],
  ['/100%?x#y', '/100%25%3Fx%23y'],
  ['/page#part', '/page'],
  ['/ä€\u{1F600}', '/%C3%A4%E2%82%AC%F0%9F%98%80'],
  ['/x\r\nHost: evil', '/x%0D%0AHost:%20evil'],
  ['/"<>\\^`{|}', '/%22%3C%3E%5C%5E%60%7B%7C%7D'],
  ['/$(X)', '/$(X)'],
  ['/\ud800', '/%EF%BF%BD'],
])('%j is asked as %j', (path, expected) => {
  expect(probeTarget(path)).toBe(expected);
});
