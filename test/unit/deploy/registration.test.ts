import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { registrationFile, renderRegistration } from '../../../scripts/manifests/registration.ts';
import { root } from '../../../scripts/checkout.ts';

test('the registration is what `make manifests` writes', async () => {
  expect(await readFile(path.join(root, registrationFile), 'utf8')).toBe(renderRegistration());
});
