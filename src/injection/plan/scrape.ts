import type { MetricsTarget } from '../../envoy/intent.ts';
import { annotationNames } from '../../pod/annotation-names.ts';
import { reservedPorts } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { integer, looseBoolean, oneOf, scrapeTargets, type Grammar } from '../../grammar/grammar.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { Problem } from '../../grammar/problem.ts';
import type { Undo } from '../patch/status.ts';

/** Where Prometheus finds the pod's metrics, and which pages the proxy appends to its own. */
export interface ScrapePlan {
  readonly targets: readonly MetricsTarget[];
  /** Annotations that point Prometheus to the proxy. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The pod's own annotations that Prometheus treats as the same. */
  readonly removed: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

const nothing: ScrapePlan = { targets: [], annotations: {}, removed: [], problems: [], warnings: [] };

type Field = 'scrape' | 'port' | 'path' | 'scheme';

/**
 * Prometheus replaces every character other than a letter or digit by `_`, so `prometheus.io.port` is the same to it.
 */
const spelling = /^prometheus[^a-zA-Z0-9]io[^a-zA-Z0-9](scrape|port|path|scheme)$/;

interface Found {
  readonly key: string;
  readonly value: string;
}

/** Returns the user's own annotations, with the changes of an earlier injection reverted. */
function own(annotations: JsonObject, undo: Pick<Undo, 'annotations' | 'own'> | undefined): JsonObject {
  if (undo === undefined) return annotations;
  const added = new Set(undo.annotations);
  const kept = Object.entries(annotations).filter(([key]) => !added.has(key));
  return Object.fromEntries([...kept, ...Object.entries(undo.own.annotations)]);
}

/** Returns the annotations by field; the usual spelling wins. */
function findAll(annotations: JsonObject): ReadonlyMap<Field, Found> {
  const found = new Map<Field, Found>();
  for (const key of Object.keys(annotations)) {
    const field = spelling.exec(key)?.[1] as Field | undefined;
    const value = field === undefined ? undefined : stringMember(annotations, key);
    if (field === undefined || value === undefined) continue;
    if (!found.has(field) || key === `prometheus.io/${field}`) found.set(field, { key, value });
  }
  return found;
}

const schemes = oneOf('http', 'https');
const portNumber = integer(1, 65_535);

/**
 * Plans the change of `prometheus.io/*` when the application's metrics are merged, by Istio's rules: every pod is
 * scraped at the proxy unless it sets `scrape: false`, and the proxy scrapes what the pod's own annotations say.
 * Annotations that already point to the status port, as in a copy of an injected pod, stay as they are.
 *
 * @param undo undo record of an earlier injection
 */
export function planScrape(
  annotations: JsonObject | undefined,
  { proxy: { metrics, statusPort } }: PodSettings,
  undo?: Pick<Undo, 'annotations' | 'own'>,
): ScrapePlan {
  if (!metrics.merge) return nothing;
  if (statusPort === 0) return { ...nothing, warnings: ['metrics are not merged: there is no status port'] };
  const problems: Problem[] = [];
  const said = own(annotations ?? {}, undo);
  const found = findAll(said);
  const read = <T>(field: Field, grammar: Grammar<T>): T | undefined => {
    const one = found.get(field);
    if (one === undefined) return undefined;
    const parsed = grammar.parse(one.value);
    if (!('problem' in parsed)) return parsed.value;
    problems.push({ where: one.key, message: parsed.problem });
    return undefined;
  };
  const isOwn = (where: string, port: number): void => {
    if (port !== statusPort && !reservedPorts.has(port)) return;
    problems.push({ where, message: `"${port}" is a port of the proxy itself; allowed: a port of the application` });
  };

  if (read('scrape', looseBoolean) === false) return { ...nothing, problems };
  const port = read('port', portNumber);
  if (port === statusPort) return { ...nothing, problems };
  const scheme: MetricsTarget['scheme'] = read('scheme', schemes) === 'https' ? 'HTTPS' : 'HTTP';
  const listKey = annotationNames.scrapeTargets;
  const list = stringMember(said, listKey);
  const listed = list === undefined ? undefined : scrapeTargets.parse(list);
  if (listed !== undefined && 'problem' in listed) problems.push({ where: listKey, message: listed.problem });
  const targets = listed !== undefined && 'value' in listed ? listed.value : [];
  for (const target of targets) isOwn(listKey, target.port);
  if (port !== undefined) isOwn(found.get('port')?.key ?? '', port);

  const path = found.get('path')?.value;
  const isAsked = found.size > 0 && (targets.length === 0 || port !== undefined || path !== undefined);
  // Defaults of Istio's agent.
  const first = { scheme, port: port ?? 80, path: path === undefined || path === '' ? '/metrics' : path };
  const all: readonly MetricsTarget[] = [
    ...(isAsked ? [first] : []),
    ...targets.map((target) => ({ scheme, ...target })),
  ];
  const unique = new Map(all.map((target) => [`${target.port}${target.path}`, target]));
  const ours = {
    [annotationNames.scrape]: 'true',
    [annotationNames.scrapePort]: String(statusPort),
    [annotationNames.scrapePath]: '/stats/prometheus',
  };
  const removed = Object.keys(annotations ?? {}).filter((key) => spelling.test(key) && !Object.hasOwn(ours, key));
  return { targets: [...unique.values()], annotations: ours, removed, problems, warnings: [] };
}
