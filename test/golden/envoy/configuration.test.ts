import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { renderBootstrap } from '../../../src/envoy/bootstrap.ts';
import { envoyIntents } from '../../support/builders/envoy-intents.ts';

/** The expected configurations are what the text says, with Kubernetes' `$(NAME)` and `$$` not yet replaced. */
test.each(Object.entries(envoyIntents))('the configuration of the proxy %s', (name, intent) => {
  const file = path.join(import.meta.dirname, 'expected', `${name}.json`);
  const expected: unknown = JSON.parse(readFileSync(file, 'utf8'));
  expect(parse(renderBootstrap(intent), { maxAliasCount: -1, version: '1.1' })).toEqual(expected);
});
