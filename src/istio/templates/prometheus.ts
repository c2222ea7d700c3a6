import { ports, reservedPorts } from '../../pod/conventions.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { looseBoolean } from '../../grammar/grammar.ts';
import { objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { quote, type Problem } from '../../grammar/problem.ts';
import { agentPortOf } from './probers.ts';
import { annotationOf, type TemplateData } from './template-data.ts';

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
    sanitised(key) === sanitised(name) && typeof value === 'string' ? [{ key, value }] : [],
  );
}

interface Target {
  readonly port: string;
  readonly path: string;
}

function targetsOf(text: string | undefined): Target[] | undefined {
  if (text === undefined) return undefined;
  const targets: Target[] = [];
  for (const item of text.split(',').map((entry) => entry.trim())) {
    const match = /^(\d{1,5})(?::(\/.*))?$/.exec(item);
    if (match?.[1] === undefined) return undefined;
    targets.push({ port: match[1], path: match[2] ?? '/metrics' });
  }
  return targets;
}

/** Changes that merge the application's metrics with those of the proxy. */
export interface MetricsMerge {
  /** Value of ISTIO_PROMETHEUS_ANNOTATIONS, which tells the agent where the application's metrics are. */
  readonly variable: string | undefined;
  /** Every spelling of the annotations, because each would compete with ours. */
  readonly removed: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

const nothing: MetricsMerge = { variable: undefined, removed: [], annotations: {}, problems: [] };

function portProblem(where: string, text: string, agent: number): Problem | undefined {
  const port = Number(text);
  const isPort = /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535;
  const isTaken = port === agent || reservedPorts.has(port) || agentPorts.has(port);
  if (isPort && !isTaken) return undefined;
  const why = isPort ? 'is a port of the proxy itself' : 'is not a port';
  return { where, message: `${quote(text)} ${why}; allowed: a port of the application, 1-65535` };
}

/** Points Prometheus to the agent, which serves the application's metrics together with the proxy's. */
export function mergeMetrics(data: TemplateData): MetricsMerge {
  const { annotations } = data.view;
  const isTrue = (text: string): boolean | undefined => {
    const parsed = looseBoolean.parse(text);
    return 'problem' in parsed ? undefined : parsed.value;
  };
  const scrape = spellings(annotations, names.scrape);
  const port = spellings(annotations, names.scrapePort);
  const path = spellings(annotations, names.scrapePath);
  if (scrape.map(({ value }) => isTrue(value)).find((value) => value !== undefined) === false) return nothing;
  const asked = annotationOf(data, names.mergeMetrics);
  const wanted = asked === undefined ? undefined : isTrue(asked);
  if (!(wanted ?? data.mesh.enablePrometheusMerge ?? true)) return nothing;
  const agent = agentPortOf(data.mesh);
  if (port.some(({ value }) => value === String(agent))) return nothing;

  const targets = targetsOf(annotationOf(data, names.scrapeTargets));
  const problems = [
    ...port.map(({ key, value }) => portProblem(key, value, agent)),
    ...(targets ?? []).map((target) => portProblem(names.scrapeTargets, target.port, agent)),
  ].filter((problem) => problem !== undefined);
  const found = {
    scrape: scrape[0]?.value ?? '',
    path: path[0]?.value ?? targets?.[0]?.path ?? '',
    port: port[0]?.value ?? targets?.[0]?.port ?? '',
  };
  const isAsked = found.scrape !== '' || found.path !== '' || found.port !== '' || targets !== undefined;
  return {
    variable: isAsked ? JSON.stringify({ ...found, ...(targets === undefined ? {} : { targets }) }) : undefined,
    removed: [
      ...[...scrape, ...port, ...path].map(({ key }) => key),
      ...(annotations !== undefined && Object.hasOwn(annotations, names.scrapeTargets) ? [names.scrapeTargets] : []),
    ],
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
 * set the annotation itself.
 */
export function securePortAnnotation(data: TemplateData, proxy: JsonObject | undefined): Record<string, string> {
  if (annotationOf(data, names.securePort) !== undefined) return {};
  const found = objectsMember(proxy, 'env').find(
    (entry) => stringMember(entry, 'name') === 'ENVOY_SECURE_MERGED_METRICS_PORT',
  );
  const port = stringMember(found, 'value');
  return port === undefined || port === '' ? {} : { [names.securePort]: port };
}
