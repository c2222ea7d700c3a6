import { expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/json/json.ts';
import { readVirtualService } from '../../../../src/mesh/rules/virtual-service.ts';
import { route, told, virtualService } from '../../../support/mesh/istio-objects.ts';

function ofMatch(block: JsonObject): readonly string[] {
  return told(readVirtualService(virtualService([route({ match: [block] })])).findings);
}

test.each<[JsonObject, string]>([
  [{ uri: { exact: 'api' } }, '/uri/exact: no request fits "api": paths begin with /: write "/api"'],
  [{ uri: { exact: '' } }, '/uri/exact: no request fits "": paths begin with /: write "/"'],
  [
    { uri: { prefix: 'api' }, ignoreUriCase: true },
    '/uri/prefix: no request fits "api": paths begin with /: write "/api"',
  ],
  [{ uri: { regex: 'api/[0-9]+' } }, '/uri/regex: no request fits "api/[0-9]+": begin it with /: "/api/[0-9]+"'],
  [
    { uri: { exact: '/a?b=1' } },
    '/uri/exact: no request fits "/a?b=1": the query is no part of the path: compare "/a", and queryParams',
  ],
  [
    { uri: { prefix: '/a#b' } },
    '/uri/prefix: no request fits "/a#b": the query is no part of the path: compare "/a", and queryParams',
  ],
  [{ method: { exact: 'get' } }, '/method/exact: no request fits "get": methods are in capital letters: write "GET"'],
  [{ method: { prefix: 'Po' } }, '/method/prefix: no request fits "Po": methods are in capital letters: write "PO"'],
  [{ scheme: { exact: 'HTTPS' } }, '/scheme/exact: no request fits "HTTPS": write "http" or "https"'],
  [{ scheme: { prefix: 'ftp' } }, '/scheme/prefix: no request fits "ftp": write "http" or "https"'],
])('no request fits %j', (block, said) => {
  expect(ofMatch(block)).toEqual([`warning /spec/http/0/match/0${said}`]);
});

test.each<[JsonObject]>([
  [{ uri: { exact: '/' } }],
  [{ uri: { exact: '*' } }],
  [{ uri: { prefix: '' }, method: { exact: 'GET' } }],
  [{ uri: { regex: '.*/a' } }],
  [{ uri: { regex: 'a?/b' } }],
  [{ uri: { regex: 'a|/b' } }],
  [{ uri: { regex: '/a\\?b' } }],
  [{ method: { exact: 'M-SEARCH' } }],
  [{ method: { regex: 'get|GET' } }],
  [{ scheme: { prefix: 'http' } }],
  [{ scheme: { exact: 'https' } }],
])('some request may fit %j', (block) => {
  expect(ofMatch(block)).toEqual([]);
});
