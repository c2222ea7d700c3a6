import { Buffer } from 'node:buffer';
import { expect } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { readAddressVariables } from '../../../src/istio/address-variables.ts';
import { isLate, readTimeoutMs } from '../../../src/server/deadline.ts';
import { stripManagedFields } from '../../../src/server/strip-managed-fields.ts';
import { campaign } from '../../support/fuzz/campaign.ts';
import { changedText, oddText } from '../../support/fuzz/odd-json.ts';
import { expectUntouchedPrototypes } from '../../support/fuzz/prototypes.ts';

const file = 'test/fuzz/http/texts.test.ts';

const address = fc.oneof(
  changedText(
    fc.constantFrom('/inject/cluster/east/net/n1', '/inject/:ENV:cluster=east:ENV:net=n1', '/inject/A/--slash--/'),
    fc.oneof(oddText, fc.constantFrom('/', '%2f', '%', '%ff', ':ENV:', '=', '--slash--', '__proto__')),
  ),
  oddText.map((text) => `/inject/${text}`),
);

campaign({
  name: 'addresses',
  file,
  inputs: address.map((text) => Buffer.from(text)),
  check(input) {
    const read = readAddressVariables(input.toString('utf8'));
    expectUntouchedPrototypes();
    if ('problem' in read) return expect(read.problem).toMatch(/^The address /);
    for (const [name, value] of Object.entries(read.variables)) {
      expect(name).toMatch(/^[A-Z_][A-Z0-9_]*$/);
      // oxlint-disable-next-line no-control-regex
      expect(value).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      expect(value.length).toBeLessThanOrEqual(1024);
    }
  },
});

campaign({
  name: 'timeouts',
  file,
  inputs: fc
    .oneof(
      changedText(fc.constantFrom('10s', '500ms', '2m'), fc.oneof(oddText, fc.constantFrom('0', '9', 's', '.'))),
      oddText,
    )
    .map((text) => Buffer.from(text)),
  check(input) {
    const text = input.toString('utf8');
    const milliseconds = readTimeoutMs(text);
    if (milliseconds === undefined) return expect(isLate(text, 1e12)).toBe(false);
    expect(Number.isSafeInteger(milliseconds) && milliseconds >= 0).toBe(true);
  },
});

/** Lists of managed fields in every place, cut anywhere. */
const fields = fc.oneof(
  fc
    .jsonValue({ maxDepth: 3 })
    .map((managedFields) => JSON.stringify({ a: 1, metadata: { managedFields: [managedFields] }, z: 2 })),
  changedText(
    fc.constant('{"x":",\\"managedFields\\":[","metadata":{"managedFields":[{"a":"]"},["\\\\"]]},"z":1}'),
    fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', '"managedFields":[', 'é'),
  ),
);

/** Without what is left out on purpose: the items of the first `managedFields` in the text. */
function withoutFields(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (key === 'managedFields' && Array.isArray(inner) ? [] : inner)),
  );
}

campaign({
  name: 'managed-fields',
  file,
  inputs: fields.map((text) => Buffer.from(text)),
  check(input) {
    const given = input.toString('utf8');
    const read = stripManagedFields(Buffer.from(input)) ?? '';
    // What was no JSON is none, and what was some says the same.
    let before: unknown;
    try {
      before = JSON.parse(given);
    } catch {
      return;
    }
    expect(withoutFields(JSON.parse(read))).toEqual(withoutFields(before));
  },
});
