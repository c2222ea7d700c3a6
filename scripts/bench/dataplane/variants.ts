import { parse } from 'yaml';
import { bootstrapWriter } from '../../../src/envoy/bootstrap-text.ts';
import { isObject, type Json, type JsonObject } from '../../../src/json/json.ts';
import { plainBootstrap } from './plain-envoy.ts';
import type { Variant } from './sidecar.ts';

/** Puts something before the rest of the bootstrap, which is an object in flow YAML. */
function bootstrapWith(text: string): NonNullable<Variant['edit']> {
  return editBootstrap((bootstrap) => `{${text},${bootstrap.slice(1)}`);
}

function editBootstrap(change: (bootstrap: string) => string): NonNullable<Variant['edit']> {
  return (args) => {
    const at = args.indexOf('--config-yaml') + 1;
    const before = args[at] ?? '';
    const after = change(before);
    if (after === before) throw new Error('the variant changes nothing: the bootstrap has another shape now');
    return args.with(at, after);
  };
}

const write = bootstrapWriter();

/** Changes the configuration instead of its text, which is written as it was before. */
function editConfiguration(change: (configuration: Json) => Json): NonNullable<Variant['edit']> {
  return editBootstrap((bootstrap) => {
    const configuration = parse(bootstrap, { version: '1.1', maxAliasCount: -1 }) as JsonObject;
    // The text is that of the argument, in which every dollar has been doubled already.
    return write(change(configuration) as JsonObject).replaceAll('$$', '$');
  });
}

/** A value without what is unwanted in it: members of objects, by name, and items of lists. */
function without(isUnwanted: (value: Json, name?: string) => boolean): (value: Json) => Json {
  const cut = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).filter((item) => !isUnwanted(item)).map(cut);
    if (!isObject(value)) return value;
    const kept = Object.entries(value).filter(([name, item]) => item !== undefined && !isUnwanted(item, name));
    return Object.fromEntries(kept.map(([name, item]) => [name, cut(item ?? null)]));
  };
  return cut;
}

function isNamed(value: Json, ...names: readonly string[]): boolean {
  return isObject(value) && names.some((name) => value['name'] === name);
}

/** Whether an item is a route for requests that came without `x-forwarded-proto`. */
function isForUnmarked(value: Json): boolean {
  return isObject(value) && isObject(value['match']) && value['match']['headers'] !== undefined;
}

function option(name: string, value: string): NonNullable<Variant['edit']> {
  return (args) => args.with(args.indexOf(name) + 1, value);
}

/** What a pod gets, without Istio's metrics and with them, which is the default. */
export const withoutMetrics: Variant = { name: 'without metrics', settings: { proxy: { metrics: { istio: false } } } };
export const asInjected: Variant = { name: 'as injected' };

/** The yardstick. */
export const plain: Variant = { name: 'plain Envoy', edit: editBootstrap(() => plainBootstrap) };

/** The port of the measured answer declared as TCP: what a connection costs that the proxy does not read. */
export const asTcp: Variant = { name: 'as TCP', settings: { proxy: { opaquePorts: '8080' } } };

/** What makes the traffic as it is without a proxy, each taken away. */
export const fidelity: readonly Variant[] = [
  {
    name: 'connections to servers shared by clients',
    edit: editConfiguration(without((_, name) => name === 'connection_pool_per_downstream_connection')),
  },
  {
    name: 'clients of a replaced server kept',
    edit: editConfiguration(without((value, name) => name === 'local_reply_config' || isNamed(value, 'hang_up'))),
  },
  {
    name: 'x-forwarded-proto added',
    edit: editConfiguration(
      without((value, name) => name === 'early_header_mutation_extensions' || isForUnmarked(value)),
    ),
  },
];

/** What an administrator can do without, and the yardstick. */
export const choices: readonly Variant[] = [
  asInjected,
  withoutMetrics,
  { name: 'without access log', settings: { proxy: { accessLog: 'none' } } },
  {
    name: 'without metrics and access log',
    settings: { proxy: { accessLog: 'none', metrics: { istio: false } } },
  },
  plain,
];

/** The same proxy with one worker. */
export function withOneWorker({ edit = (args) => args, ...variant }: Variant): Variant {
  return { ...variant, edit: (args) => option('--concurrency', '1')(edit(args)) };
}

/** One thing changed at a time, to see what it is worth. */
export const variants: readonly Variant[] = [
  ...choices,
  { name: 'two HTTP probes', probed: true },
  ...fidelity,
  { ...withOneWorker(asInjected), name: 'one worker' },
  { name: 'four workers', edit: option('--concurrency', '4') },
  {
    name: 'every statistic kept',
    edit: editBootstrap((text) => text.replace(/stats_matcher: \{inclusion_list: \{patterns: \[.*?\]\}\}/, '')),
  },
  {
    name: 'statistics created when used',
    edit: bootstrapWith('deferred_stat_options: {enable_deferred_creation_stats: true}'),
  },
  {
    name: 'clusters created when used',
    edit: bootstrapWith('cluster_manager: {enable_deferred_cluster_creation: true}'),
  },
  {
    name: 'buffers of 32 KiB',
    edit: editBootstrap((text) => text.replaceAll('65536', '32768')),
  },
  {
    name: 'watchdogs of five a second',
    edit: editBootstrap((text) => text.replace(/watchdogs: \{.*?\},(?=memory)/, '')),
  },
  {
    name: 'allocator that keeps all',
    edit: editBootstrap((text) => text.replace(/memory_allocator_manager: \{[^}]*\},/, '')),
  },
];
