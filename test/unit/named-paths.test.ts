import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';

const pages = globSync(['*.md', 'docs/**/*.md', 'certs/*.md', 'deploy/sidecars/*/*.md'], { cwd: root });
const folders = new Set(['.ci', 'bin', 'certs', 'deploy', 'docs', 'examples', 'scripts', 'src', 'test']);
const programs = new Set(
  globSync('{bin,deploy,scripts,src,test}/**/*.{ts,mjs,sh,pl}', { cwd: root }).map((file) => path.basename(file)),
);

/** Paths that a page names in backticks. What follows a placeholder or a star in a path is left out. */
function namedPaths(page: string): readonly string[] {
  const prose = readFileSync(path.join(root, page), 'utf8').replaceAll(/^```.*?^```$/gms, '');
  const words = [...prose.matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => span.split(/[\s=]+/));
  const paths = words.map((word) => word.replace(/[^/]*[<*…].*$/, '')).filter((word) => /^[\w./-]+$/.test(word));
  return [...new Set(paths)];
}

/** Whether a path is there. Undefined for what is none of this repository. */
function isThere(name: string): boolean | undefined {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return /\.(?:ts|mjs|sh)$/.test(name) ? programs.has(name) : undefined;
  if (folders.has(first)) return existsSync(path.join(root, name));
  // Pages on the source name its files from the room on.
  return name.endsWith('.ts') ? existsSync(path.join(root, 'src', name)) : undefined;
}

const named = pages.flatMap((page) => namedPaths(page).map((name) => ({ page, name, there: isThere(name) })));

test('pages name paths of the repository', () => {
  expect(named.filter(({ there }) => there === true).length).toBeGreaterThan(150);
});

test('each of them exists', () => {
  expect(named.filter(({ there }) => there === false).map(({ page, name }) => `${page}: ${name}`)).toEqual([]);
});
