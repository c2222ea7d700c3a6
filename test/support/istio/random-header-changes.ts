import * as fc from '../fast-check.ts';
import { few } from './random-members.ts';

const text = fc.constantFrom('1', '2', '%REQ(x-user)%', '50%%', 'a, b');
const requestNames = fc.constantFrom('x-user', 'x-new', 'X-Other', 'x-beta');
const responseNames = fc.constantFrom('x-app', 'x-new', 'X-Other', 'x-old');

function operations(names: fc.Arbitrary<string>, more: readonly string[]) {
  const changed = fc.dictionary(names, text, { minKeys: 1, maxKeys: 2 });
  const set =
    more.length === 0
      ? changed
      : fc.oneof(
          { weight: 6, arbitrary: changed },
          fc.constantFrom(...more.map((name) => ({ [name]: 'other.example' }))),
        );
  return few(1, 2, { set, add: changed, remove: fc.uniqueArray(names, { minLength: 1, maxLength: 2 }) });
}

/** Changes of headers; `host` among those of requests is another matter. */
export const headers = few(1, 2, {
  request: operations(requestNames, ['host', ':authority']),
  response: operations(responseNames, []),
});
