// build.ts   bundles the program into dist/sidecar-injector.mjs and prints what takes the most room
import path from 'node:path';
import { build } from 'esbuild';
import { root } from './tools/cache.ts';

// Packages in CommonJS style expect these names, which an ES module does not have.
const commonJsNames = [
  "import { createRequire as __createRequire } from 'node:module';",
  "import { fileURLToPath as __fileURLToPath } from 'node:url';",
  "import { dirname as __pathDirname } from 'node:path';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = __fileURLToPath(import.meta.url);',
  'const __dirname = __pathDirname(__filename);',
];
const outfile = 'dist/sidecar-injector.mjs';

// esbuild has printed its problems when it rejects.
const built = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: commonJsNames.join('\n') },
  // Names stay readable in stack traces; licences stay with the code.
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
}).catch(() => process.exit(1));

const output = built.metafile.outputs[outfile];
const sizes = new Map<string, number>();
for (const [file, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
  const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? path.dirname(file);
  sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
}
const largest = [...sizes].toSorted(([, a], [, b]) => b - a).slice(0, 10);
const rows = [[outfile, output?.bytes ?? 0] as const, ...largest];
for (const [name, bytes] of rows)
  process.stdout.write(`${String(Math.round(bytes / 1024)).padStart(6)} KiB  ${name}\n`);
