// plain-yaml.mjs FOLDER   the yardstick: every manifest read with its comments, and printed, by the library alone
// Plain JavaScript, because the stripping of types would be measured too.
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

const [, , folder] = process.argv;
const texts = readdirSync(folder)
  .toSorted()
  .map((name) => parseAllDocuments(readFileSync(path.join(folder, name), 'utf8'), { version: '1.1' }).join(''));
writeSync(1, texts.join('---\n'));
