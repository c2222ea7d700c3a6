// Stands in for Fluent Bit and Fluentd, which no package registry has: reads the same command line, configuration and
// files, and writes each new line as a JSON object to its output, or to the aggregator as plain text instead of the
// forward protocol.
import { readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';

interface Plan {
  readonly glob: string;
  readonly positions: string;
  readonly output: string;
  readonly host: string;
  readonly port: string;
  readonly record: Readonly<Record<string, string>>;
}

/** Fluent Bit: `-p key=value` belongs to the plug-in that `-i`, `-F` or `-o` has named last. */
function fromFluentBit(words: readonly string[]): Plan {
  const properties = new Map<string, string>();
  const record: Record<string, string> = {};
  let output = '';
  for (const [index, word] of words.entries()) {
    const value = words[index + 1] ?? '';
    if (word === '-o') output = value;
    if (word !== '-p') continue;
    const [, key = '', text = ''] = /^([^=]+)=(.*)$/.exec(value) ?? [];
    properties.set(key, text);
    const [name = '', ...rest] = text.split(' ');
    if (key === 'record') record[name] = rest.join(' ');
  }
  const get = (key: string): string => properties.get(key) ?? '';
  return { glob: get('path'), positions: get('db'), output, host: get('host'), port: get('port'), record };
}

/** Fluentd: the values of its configuration file, with Ruby's `#{ENV['NAME']}` replaced. */
function fromFluentd(file: string): Plan {
  const text = readFileSync(file, 'utf8').replaceAll(
    /#\{ENV\['(\w+)'\]\}/g,
    (_all, name: string) => process.env[name] ?? '',
  );
  const [source = '', filter = '', match = ''] = text.split(/(?=<filter|<match)/);
  const value = (part: string, key: string): string =>
    new RegExp(`^\\s*${key} "?([^"\\n]*)"?$`, 'm').exec(part)?.[1] ?? '';
  const record = Object.fromEntries(['pod', 'namespace', 'node'].map((key) => [key, value(filter, key)]));
  return {
    glob: value(source, 'path'),
    positions: value(source, 'pos_file'),
    output: value(match, '@type'),
    host: value(match, 'host'),
    port: value(match, 'port'),
    record,
  };
}

const words = process.argv.slice(2);
const plan = words[0] === 'fluentd' ? fromFluentd(words[words.indexOf('--config') + 1] ?? '') : fromFluentBit(words);
const folder = path.dirname(plan.glob);
const name = new RegExp(
  `^${path
    .basename(plan.glob)
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '.*')}$`,
);
const aggregator = plan.output === 'forward' ? connect(Number(plan.port), plan.host) : undefined;
// What the aggregator says is shown, for whoever tests with it.
aggregator?.pipe(process.stdout);
const target = aggregator ?? process.stdout;
const read = new Map<string, number>();

function ship(): void {
  for (const file of readdirSync(folder).filter((entry) => name.test(entry))) {
    const text = readFileSync(path.join(folder, file), 'utf8');
    const from = read.get(file) ?? 0;
    const end = text.lastIndexOf('\n') + 1;
    for (const log of text.slice(from, end).split('\n').slice(0, -1)) {
      target.write(`${JSON.stringify({ log, file: path.join(folder, file), ...plan.record })}\n`);
    }
    read.set(file, end);
  }
  writeFileSync(plan.positions, JSON.stringify([...read]));
}

watch(folder, ship);
ship();
