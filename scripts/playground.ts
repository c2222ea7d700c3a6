import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { root } from './checkout.ts';

const folder = path.join(root, 'src/playground/page');

/** How the parts of the page are bundled: for browsers of the last two years, without anything of Node. */
const options: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  platform: 'browser',
  target: ['chrome120', 'firefox121', 'safari17.4'],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

async function bundle(entry: string, format: 'iife' | 'esm'): Promise<string> {
  const { outputFiles = [], metafile } = await build({ ...options, entryPoints: [path.join(folder, entry)], format });
  const outside = Object.values(metafile?.outputs ?? {}).flatMap(({ imports }) => imports.map((one) => one.path));
  if (outside.length > 0) throw new Error(`${entry} imports ${outside.join(', ')}, which no browser has`);
  const text = outputFiles[0]?.text ?? '';
  // Text of a script element ends at its end tag, and may not seem to begin another.
  if (/<\/script|<!--/i.test(text)) throw new Error(`${entry} holds an end of a script element`);
  return text.trim();
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** What the page may do: run its own script and style, and the engine beside it. It may ask nobody for anything. */
function policyOf(script: string, style: string): string {
  const directives = {
    'default-src': "'none'",
    'script-src': hashOf(script),
    'style-src': hashOf(style),
    'worker-src': 'blob:',
    'img-src': 'data:',
    'connect-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'require-trusted-types-for': "'script'",
    'trusted-types': 'engine',
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

/** Builds the playground: one page that holds script, style and the engine, and needs nothing else. */
export async function buildPlayground(): Promise<string> {
  const [page, script, style, engine] = await Promise.all([
    readFile(path.join(folder, 'page.html'), 'utf8'),
    bundle('main.ts', 'esm'),
    bundle('style.css', 'esm'),
    bundle('worker.ts', 'iife'),
  ]);
  const parts: readonly (readonly [empty: string, full: string])[] = [
    ['Content-Security-Policy" content="', policyOf(script, style)],
    ['<style>', style],
    ['<script type="text/plain" id="engine">', engine],
    ['<script type="module">', script],
  ];
  return parts.reduce((text, [start, content]) => {
    const [before, after, ...more] = text.split(start);
    if (after === undefined || more.length > 0) throw new Error(`page.html does not have ${start} once`);
    return `${before}${start}${content}${after}`;
  }, page);
}
