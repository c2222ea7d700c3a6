import type { MetricsTarget } from '../../envoy/intent.ts';
import { reservedPorts } from '../../pod/conventions.ts';
import type { Effective } from '../../settings/effective.ts';
import { integer, looseBoolean, oneOf, scrapeTargets, type Grammar } from '../../grammar/grammar.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { Problem } from '../../grammar/problem.ts';
import type { Undo } from '../patch/status.ts';

/** Where Prometheus finds the pod's metrics, and what the proxy appends to its own. */
export interface ScrapePlan {
  readonly targets: readonly MetricsTarget[];
  /** Annotations that send Prometheus to the proxy. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The pod's own ones that Prometheus would take for the same. */
  readonly removed: readonly string[];
  readonly problems: readonly Problem[];
  readonly remarks: readonly string[];
}

const nothing: ScrapePlan = { targets: [], annotations: {}, removed: [], problems: [], remarks: [] };

type Field = 'scrape' | 'port' | 'path' | 'scheme';

/** Prometheus makes `_` of everything that is no letter and no digit, so `prometheus.io.port` is the same to it. */
const spelling = /^prometheus[^a-zA-Z0-9]io[^a-zA-Z0-9](scrape|port|path|scheme)$/;

interface Found {
  readonly key: string;
  readonly value: string;
}

/** The user's own annotations: what an earlier injection has put there is taken for what stood there before. */
function own(annotations: JsonObject, undo: Pick<Undo, 'annotations' | 'own'> | undefined): JsonObject {
  if (undo === undefined) return annotations;
  const added = new Set(undo.annotations);
  const kept = Object.entries(annotations).filter(([key]) => !added.has(key));
  return Object.fromEntries([...kept, ...Object.entries(undo.own.annotations)]);
}

/** By field; the usual spelling wins. */
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
 * What becomes of `prometheus.io/*` when the application's metrics are merged, by Istio's rules: every pod is scraped at
 * the proxy unless it says `scrape: false`, and whatever it said about itself is what the proxy asks. Metrics that are
 * at the status port already, as in a copy of an injected pod, stay as they are.
 *
 * @param undo the record of an earlier injection
 */
export function planScrape(
  annotations: JsonObject | undefined,
  { proxy: { metrics, statusPort } }: Effective,
  undo?: Pick<Undo, 'annotations' | 'own'>,
): ScrapePlan {
  if (!metrics.merge) return nothing;
  if (statusPort === 0) return { ...nothing, remarks: ['metrics are not merged: there is no status port'] };
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
  const listKey = 'prometheus.istio.io/scrape-targets';
  const list = stringMember(said, listKey);
  const listed = list === undefined ? undefined : scrapeTargets.parse(list);
  if (listed !== undefined && 'problem' in listed) problems.push({ where: listKey, message: listed.problem });
  const targets = listed !== undefined && 'value' in listed ? listed.value : [];
  for (const target of targets) isOwn(listKey, target.port);
  if (port !== undefined) isOwn(found.get('port')?.key ?? '', port);

  const path = found.get('path')?.value;
  const isAsked = found.size > 0 && (targets.length === 0 || port !== undefined || path !== undefined);
  // Istio's agent takes these where nothing is said.
  const first = { scheme, port: port ?? 80, path: path === undefined || path === '' ? '/metrics' : path };
  const all: readonly MetricsTarget[] = [
    ...(isAsked ? [first] : []),
    ...targets.map((target) => ({ scheme, ...target })),
  ];
  const unique = new Map(all.map((target) => [`${target.port}${target.path}`, target]));
  const ours = {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': String(statusPort),
    'prometheus.io/path': '/stats/prometheus',
  };
  const removed = Object.keys(annotations ?? {}).filter((key) => spelling.test(key) && !Object.hasOwn(ours, key));
  return { targets: [...unique.values()], annotations: ours, removed, problems, remarks: [] };
}
