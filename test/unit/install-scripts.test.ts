import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';

interface Locked {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
}

// Since npm 12 what is not named is not run: without the script of `node` there is no node_modules/.bin/node.
test('each package with an install script is allowed or refused by name, and only node is allowed', () => {
  const { packages } = read('package-lock.json') as Locked;
  const { allowScripts } = read('package.json') as { allowScripts?: Readonly<Record<string, boolean>> };
  const withScript = Object.entries(packages)
    .filter(([, locked]) => locked.hasInstallScript === true)
    .map(([place]) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length));
  expect(withScript).toContain('node');
  expect(allowScripts).toEqual(Object.fromEntries(withScript.map((name) => [name, name === 'node'])));
});
