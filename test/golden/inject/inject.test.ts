import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../support/builders/recorded-io.ts';

// Every `NAME.input.EXT` has a `NAME.output.EXT` that people have read. UPDATE_GOLDEN=1 writes them anew.
const folder = new URL('.', import.meta.url).pathname;
const inputs = readdirSync(folder).filter((name) => name.includes('.input.'));
const sidecars = join(folder, 'sidecars');

/** Hash and version change with every release and say nothing about the text around them. */
function withoutRelease(text: string): string {
  return text
    .replaceAll(/((?:settingsHash|inputs)\\?":\\?")[0-9a-f]+/g, '$1HASH')
    .replaceAll(/(sidecar-injector\.io\/settings-hash"?: "?)[0-9a-f]{8}/g, '$1HASH')
    .replaceAll(/(sidecar-injector\.io\/version"?: "?)\d+\.\d+\.\d+/g, '$1VERSION')
    .replaceAll(/(version\\?":\\?")\d+\.\d+\.\d+[^\\"]*/g, '$1VERSION');
}

describe('inject', () => {
  test.each(inputs)('%s', async (name) => {
    const run = await runCommand(['inject', '-f', join(folder, name), '--sidecars', sidecars]);
    const golden = join(folder, name.replace('.input.', '.output.'));
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, withoutRelease(run.stdout));
    expect(withoutRelease(run.stdout)).toBe(readFileSync(golden, 'utf8'));
    expect(run.code).toBe(0);
  });

  test.each(inputs)('%s: a second injection changes nothing', async (name) => {
    const once = await runCommand(['inject', '-f', join(folder, name), '--sidecars', sidecars]);
    const twice = await runCommand(['inject', '-f', '-', '--sidecars', sidecars], once.stdout);
    expect(twice.stdout).toBe(once.stdout);
  });

  test.each(inputs)('%s: uninject gives the input back', async (name) => {
    const injected = await runCommand(['inject', '-f', join(folder, name), '--sidecars', sidecars]);
    const back = await runCommand(['uninject', '-f', '-'], injected.stdout);
    expect(back.stdout).toBe(readFileSync(join(folder, name), 'utf8'));
  });

  test('a diff that `patch` would apply', async () => {
    const path = join(folder, 'stream.input.yaml');
    const run = await runCommand(['inject', '-f', path, '--sidecars', sidecars, '-o', 'unified']);
    expect(run.code).toBe(3);
    const { applyPatch } = await import('diff');
    const injected = await runCommand(['inject', '-f', path, '--sidecars', sidecars]);
    expect(applyPatch(readFileSync(path, 'utf8'), run.stdout)).toBe(injected.stdout);
  });
});
