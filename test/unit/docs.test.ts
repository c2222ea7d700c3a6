import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { version } from '../../src/index.ts';
import { generatePages } from '../../scripts/docs/pages.ts';
import { root } from '../../scripts/checkout.ts';

const run = promisify(execFile);

/** Markdown without the widths that the formatter gives to tables. */
function words(text: string): string {
  return text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---').trim();
}

const pages = await generatePages();

describe('documentation', () => {
  test.each(pages.map(({ path: file, text }) => [file, text]))('%s is what the code says (make docs)', (file, text) => {
    expect(words(readFileSync(path.join(root, file), 'utf8'))).toBe(words(text));
  });

  test('one version everywhere', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    expect(manifest.version).toBe(version);
  });

  test('every dependency has its row in the decisions', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const page = readFileSync(path.join(root, 'docs/decisions/dependencies.md'), 'utf8');
    const names = Object.keys({
      ...manifest['dependencies'],
      ...manifest['devDependencies'],
      ...manifest['overrides'],
    });
    expect(names.filter((name) => !new RegExp(`\\| \`${name}\` +\\|`).test(page))).toEqual([]);
  });

  test('the README is short enough to be read', () => {
    expect(readFileSync(path.join(root, 'README.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(251);
  });

  test('the library example runs and says what it would do', async () => {
    const node = path.join(root, 'node_modules/.bin/node');
    const { stdout } = await run(node, ['examples/library/inject.ts'], { cwd: root });
    expect(stdout.split('\n')).toEqual([
      'inject: PolicyEnabled',
      'add /spec/initContainers',
      'add /spec/volumes',
      'add /metadata/labels',
      'add /metadata/annotations/kubectl.kubernetes.io~1default-container',
      'add /metadata/annotations/sidecar.istio.io~1status',
      '',
    ]);
  });
});
