// build.ts   bundles the program into dist/ and prints what takes the most room
// dist/sidecar-injector.mjs is the entry; what only some commands import is beside it and loaded when they run.
import { cp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { root } from './checkout.ts';
import { buildPlayground } from './playground.ts';

// Packages in CommonJS style expect these names, which an ES module does not have.
const commonJsNames = [
  "import { createRequire as __createRequire } from 'node:module';",
  "import { fileURLToPath as __fileURLToPath } from 'node:url';",
  "import { dirname as __pathDirname } from 'node:path';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = __fileURLToPath(import.meta.url);',
  'const __dirname = __pathDirname(__filename);',
];

await rm(path.join(root, 'dist'), { recursive: true, force: true });
// esbuild has printed its problems when it rejects.
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { 'sidecar-injector': 'src/main.ts' },
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  chunkNames: 'parts/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: commonJsNames.join('\n') },
  // Less text is less to read and to keep; names stay, so that stack traces can be read. Not by keepNames, which would
  // set a property on every closure that a request makes.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
}).catch(() => process.exit(1));

// Files that the program reads stand beside the module that reads them, in the bundle as in src.
const data = { 'src/cli/commands/template/new.ts': 'starter', 'src/mesh/wire/envoy-types.ts': 'envoy.binpb.gz' };
for (const [reader, file] of Object.entries(data)) {
  const [part] = Object.entries(metafile.outputs).find(([, { inputs }]) => reader in inputs) ?? [];
  if (part === undefined) throw new Error(`no file of dist/ holds ${reader}`);
  await cp(path.join(root, path.dirname(reader), file), path.join(root, path.dirname(part), file), { recursive: true });
}

// The page is one file, which the program reads beside itself and which can be hosted as it is.
await writeFile(path.join(root, 'dist/playground.html'), await buildPlayground());

const sizes = new Map<string, number>();
const outputs = Object.entries(metafile.outputs).filter(([file]) => file.endsWith('.mjs'));
for (const { inputs } of outputs.map(([, output]) => output)) {
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'our own sources';
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
}
const files = outputs.map(([file, { bytes }]) => [file, bytes] as const).filter(([, bytes]) => bytes > 100_000);
const largest = (rows: Iterable<readonly [string, number]>) => [...rows].toSorted(([, a], [, b]) => b - a).slice(0, 10);
for (const [name, bytes] of [...largest(files), ...largest(sizes)]) {
  process.stdout.write(`${String(Math.round(bytes / 1024)).padStart(6)} KiB  ${name}\n`);
}
