#!/usr/bin/env node
// Runs the program from a checkout without a build, and as packed (`npm pack`) from its bundle. TypeScript needs Node 24 (type stripping), so an older Node hands
// over to the one that `npm ci` installed beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const [source, bundle] = ['../src/main.ts', '../dist/sidecar-injector.mjs'].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);
const main = existsSync(source) ? source : bundle;
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Halves the start-up. Not in the shared temporary folder, where others could prepare what we would execute.
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  nodeModule.enableCompileCache(path.join(cache, 'sidecar-injector', 'compiled'));
  process.argv[1] = main;
  await import(main);
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
} else {
  process.stderr.write(
    `sidecar-injector needs Node 24, this is ${process.version}\nInstall Node 24; in a checkout, \`npm ci\` does.\n`,
  );
  process.exit(1);
}
