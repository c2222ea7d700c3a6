import { describe, expect, test } from '@jest/globals';
import { annotationTable } from '../../../src/settings/annotation-table.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

const modes = [
  ['standalone', []],
  ['istiod', ['--istio-set', 'values.global.tag=1.28.0']],
] as const;

const known = annotationTable
  .filter(({ kind }) => kind !== 'namespace label')
  .map(({ kind, name }) => [`${kind}s`, name] as const)
  .filter(([map, name]) => map !== 'annotations' || name !== 'sidecar.istio.io/status');

function podWith(map: string, key: string, value: string): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: web, ${map}: {${key}: ${value}}}\nspec: {containers: [{name: app, image: web:1}]}\n`;
}

describe.each(modes)('a value without quotes in mode %s', (_mode, args) => {
  test.each(known)('%s %s: what has to be done is told', async (map, name) => {
    for (const value of ['false', 'true', '80']) {
      const run = await runCommand(['inject', '-f', '-', ...args], podWith(map, name, value));
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toMatch(/: must be a string: quote it; allowed: /);
      expect(run.stderr).toContain(name);
      expect(run.stderr).not.toContain('is not allowed');
    }
  });

  test.each([
    ['labels', 'team', '5'],
    ['labels', 'release', '1.0'],
    ['annotations', 'example.com/port', '80'],
    ['annotations', 'example.com/on', 'true'],
  ])('%s %s, which is nobody’s, is told and stays', async (map, name, value) => {
    const run = await runCommand(['inject', '-f', '-', ...args], podWith(map, name, value));
    expect(run.code).toBe(0);
    expect(run.stderr).toContain(`${map.slice(0, -1)} "${name}" must be a string: quote its value\n`);
  });

  test('null is an empty text to Kubernetes', async () => {
    const run = await runCommand(['inject', '-f', '-', ...args], podWith('annotations', 'example.com/a', 'null'));
    expect(run).toMatchObject({ code: 0, stderr: '1 injected; --verbose tells about each\n' });
  });
});
