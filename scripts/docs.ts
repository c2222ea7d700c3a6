// Writes the generated pages of the documentation.
import { root } from './checkout.ts';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format } from 'prettier';
import { generatePages } from './docs/pages.ts';

for (const page of await generatePages()) {
  await writeFile(path.join(root, page.path), await format(page.text, { parser: 'markdown', printWidth: 120 }));
  process.stdout.write(`${page.path}\n`);
}
