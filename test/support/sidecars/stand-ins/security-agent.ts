// Stands in for osquery, which no package registry has: reads the same configuration and watches the same files, and
// writes each change as a JSON object to its output.
import { readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';

interface Configuration {
  readonly schedule: Readonly<Record<string, { readonly query: string }>>;
  readonly file_paths: Readonly<Record<string, readonly string[]>>;
}

const flags = new Map(
  process.argv.slice(2).map((word): [string, string] => {
    const [, key = '', value = 'true'] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    return [key, value];
  }),
);
const configuration = JSON.parse(readFileSync(flags.get('config_path') ?? '', 'utf8')) as Configuration;
writeFileSync(flags.get('pidfile') ?? '', String(process.pid));
process.stdout.write(`${JSON.stringify({ queries: Object.keys(configuration.schedule) })}\n`);

for (const [category, patterns] of Object.entries(configuration.file_paths)) {
  for (const pattern of patterns) {
    const folder = path.dirname(pattern);
    let files: readonly string[];
    try {
      files = readdirSync(folder);
    } catch {
      process.stdout.write(`${JSON.stringify({ category, missing: folder })}\n`);
      continue;
    }
    process.stdout.write(`${JSON.stringify({ category, folder, files })}\n`);
    watch(folder, (action, file) => {
      process.stdout.write(`${JSON.stringify({ category, action, target_path: path.join(folder, file ?? '') })}\n`);
    });
  }
}
// Without anything to watch it goes on with its queries.
setInterval(() => undefined, 60_000);
