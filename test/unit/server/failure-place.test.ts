import { describe, expect, test } from '@jest/globals';
import { failurePlace } from '../../../src/server/failure-place.ts';

const secret = 'hunter2-Zm9vYmFy';

/** What `fail` throws. */
function thrownBy(fail: () => unknown): unknown {
  try {
    fail();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

class Telling extends TypeError {
  readonly pod = { note: secret };
  override readonly name = secret;
}

function renamed(): Error {
  const error = new Error(secret);
  error.message = 'another';
  return error;
}

describe('a failure is told without what its text quotes', () => {
  test.each<[what: string, failure: unknown]>([
    ['a text', new Error(secret)],
    ['a text of several lines, one like a frame', new TypeError(`x ${secret}\n    at ${secret}\n${secret}`)],
    ['the input of a parser', thrownBy(() => JSON.parse(secret))],
    ['members and a name', new Telling(secret)],
    ['a cause', new Error('wrapped', { cause: new Error(secret) })],
    ['several errors', new AggregateError([new Error(secret)], secret)],
    ['a text that was changed later', renamed()],
  ])('%s', (_what, failure) => {
    const place = failurePlace(failure) ?? '';
    expect(place).not.toContain('hunter2');
    expect(place).toMatch(/^\w+\n {4}at /);
    expect(place).toContain('failure-place.test.ts:');
  });

  test('but with the class of the error and its functions', () => {
    const inner = (): never => {
      throw new RangeError(secret);
    };
    expect(failurePlace(thrownBy(inner))).toMatch(/^RangeError\n {4}at inner \(\S+failure-place\.test\.ts:\d+:\d+\)\n/);
    expect(failurePlace(new Telling(secret))).toMatch(/^Telling\n/);
  });

  test('and a text of a thousand frames is none of them', () => {
    const forged = `    at f (/app/x.js:1:1)\n`.repeat(1_000);
    const place = failurePlace(new Error(forged)) ?? '';
    expect(place).not.toContain('/app/x.js');
    expect(place.split('\n')).toHaveLength(11);
  });

  test.each([secret, undefined, null, 7, { message: secret, stack: secret }])('%j is no error', (thrown) => {
    expect(failurePlace(thrown)).toBeUndefined();
  });
});
