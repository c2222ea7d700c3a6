import { chromium, type Browser } from 'playwright-core';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { browsers } from '../../harness/tools/packages.ts';

const folders = (process.env['PATH'] ?? '').split(':');

/** Starts the machine's own Chromium without a window. Root has to do without its sandbox. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = browsers
    .flatMap((name) => folders.map((folder) => path.join(folder, name)))
    .find((file) => existsSync(file));
  if (executablePath === undefined) throw new Error(`no ${browsers.join(', ')} is in PATH`);
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
