import { ports, reservedPorts } from '../../pod/conventions.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { looseBoolean, scrapeTargets } from '../../grammar/grammar.ts';
import { objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { quote, type Problem } from '../../grammar/problem.ts';
import { agentPortOf } from './probers.ts';
import type { TemplateData } from './template-data.ts';

/** Ports of Istio's agent in addition to the proxy's: debug, status, DNS. */
const agentPorts: ReadonlySet<number> = new Set([15_004, ports.status, 15_053]);

/**
 * Returns the name as Prometheus sanitises label names: each character other than a letter, digit or underscore becomes
 * an underscore.
 */
function sanitised(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

interface Found {
  readonly key: string;
  readonly value: string;
}

/** Returns every spelling of the annotation that Prometheus treats as the same. */
function spellings(annotations: JsonObject | undefined, name: string): Found[] {
  return Object.entries(annotations ?? {}).flatMap(([key, value]) =>
    key.length === name.length && sanitised(key) === sanitised(name) && typeof value === 'string'
      ? [{ key, value }]
      : [],
  );
}

interface Target {
  readonly port: string;
  readonly path: string;
}

/** Reads a comma list of PORT or PORT:PATH; empty entries are skipped. Undefined if an entry has no port. */
function targetsOf(text: string): readonly Target[] | undefined {
  const entries = text.split(',').filter((entry) => entry.trim() !== '');
  const targets = entries.map((entry): Target => {
    const [port = '', ...path] = entry.split(':');
    return { port: port.trim(), path: path.join(':').trim() || '/metrics' };
  });
  return targets.some(({ port }) => port === '') ? undefined : targets;
}

/** Changes that merge the application's metrics with those of the proxy. */
export interface MetricsMerge {
  /** Value of ISTIO_PROMETHEUS_ANNOTATIONS, which tells the agent where the application's metrics are. */
  readonly variable: string | undefined;
  /** Every spelling of the annotations, because each would compete with ours. */
  readonly removed: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

const nothing: MetricsMerge = { variable: undefined, removed: [], annotations: {}, problems: [], warnings: [] };

function portProblem(where: string, text: string, agent: number): Problem | undefined {
  const port = Number(text);
  const isPort = /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535;
  const isTaken = port === agent || reservedPorts.has(port) || agentPorts.has(port);
  if (isPort && !isTaken) return undefined;
  const why = isPort ? 'is a port of the proxy itself' : 'is not a port';
  return { where, message: `${quote(text)} ${why}; allowed: a port of the application, 1-65535` };
}

/**
 * Points Prometheus to the agent, which serves the application's metrics together with the proxy's. What is merged is
 * decided by the annotations of the pod with its templates applied.
 */
export function mergeMetrics({ mesh }: TemplateData, annotations: JsonObject): MetricsMerge {
  const isTrue = (text: string): boolean | undefined => {
    const parsed = looseBoolean.parse(text);
    return 'problem' in parsed ? undefined : parsed.value;
  };
  const scrape = spellings(annotations, names.scrape);
  const port = spellings(annotations, names.scrapePort);
  const path = spellings(annotations, names.scrapePath);
  if (scrape.map(({ value }) => isTrue(value)).find((value) => value !== undefined) === false) return nothing;
  const asked = stringMember(annotations, names.mergeMetrics);
  const wanted = asked === undefined ? undefined : isTrue(asked);
  if (!(wanted ?? mesh.enablePrometheusMerge ?? true)) return nothing;
  const agent = agentPortOf(mesh);
  if (port.some(({ value }) => value === String(agent))) return nothing;

  const listed = spellings(annotations, names.scrapeTargets);
  const read = listed.map(({ key, value }) => ({ key, targets: targetsOf(value) }));
  const targets = read.find((one) => one.targets !== undefined && one.targets.length > 0)?.targets ?? [];
  const [first] = targets;
  // The first target takes the place of the older annotations, for agents that know only those.
  const asPort = first === undefined ? port : [];
  const problems = [
    ...asPort.map(({ key, value }) => portProblem(key, value, agent)),
    ...targets.map((target) => portProblem(names.scrapeTargets, target.port, agent)),
  ].filter((problem) => problem !== undefined);
  const found = {
    scrape: scrape[0]?.value ?? '',
    path: first?.path ?? path[0]?.value ?? '',
    port: first?.port ?? port[0]?.value ?? '',
  };
  const isAsked = Object.values(found).some((value) => value !== '');
  return {
    variable: isAsked ? JSON.stringify({ ...found, ...(first === undefined ? {} : { targets }) }) : undefined,
    removed: [...scrape, ...port, ...path, ...listed].map(({ key }) => key),
    warnings: read
      .filter((one) => one.targets === undefined)
      .map(({ key }) => `${key} has no effect: an entry has no port; allowed: ${scrapeTargets.allowed}`),
    annotations: {
      [names.scrape]: 'true',
      [names.scrapePort]: String(agent),
      [names.scrapePath]: '/stats/prometheus',
    },
    problems,
  };
}

/**
 * Returns the annotation for the port of metrics over TLS, if a variable of the proxy opens one and the pod does not
 * set the annotation itself, in any spelling. Port 0 opens none.
 */
export function securePortAnnotation(annotations: JsonObject, proxy: JsonObject | undefined): Record<string, string> {
  if (spellings(annotations, names.securePort).length > 0) return {};
  const values = objectsMember(proxy, 'env')
    .filter((entry) => stringMember(entry, 'name') === 'ENVOY_SECURE_MERGED_METRICS_PORT')
    .map((entry) => stringMember(entry, 'value') ?? '');
  const port = values.find((value) => value !== '' && value !== '0');
  return port === undefined ? {} : { [names.securePort]: port };
}
