import type { CaptureIntent } from '../../capture/intent.ts';
import { istioNames as names } from '../../settings/istio/annotation-names.ts';
import { looseBoolean } from '../../settings/grammar.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../settings/json.ts';
import type { Problem } from '../../settings/problem.ts';
import { captureOf } from './capture.ts';
import { has, moveToTemplate, ordered, proxyName, replaceNamed, type Lists } from './container-lists.ts';
import { variable } from './container-parts.ts';
import { initNames } from './init-container.ts';
import { withTurnedHandler, type HandlerEdit } from '../handler.ts';
import { probersOf, withProberVariable, type Probers } from './probers.ts';
import { mergeMetrics, securePortAnnotation } from './prometheus.ts';
import { mergeNamed, strategicMerge } from './strategic-merge.ts';
import { annotationOf, isCni, labelOf, type TemplateData } from './template-data.ts';
import { mergeTemplates } from './template-merge.ts';
import type { TemplatePod } from './template-pod.ts';
import { istioTemplate } from './templates.ts';
import { exemptOf, withFlags, withUserIdentity } from './user-identity.ts';
import { overridesText, userCopies } from './user-copies.ts';

type List = keyof Lists;

const clusterVariable = 'ISTIO_META_CLUSTER_ID';
const networkVariable = 'ISTIO_META_NETWORK';

/** A pod with Istio's templates laid over it. Objects of the pod that nothing touched are the same objects. */
export interface RenderedPod extends Lists {
  readonly volumes: readonly JsonObject[];
  readonly imagePullSecrets: readonly string[];
  readonly securityContext: JsonObject | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly removedAnnotations: readonly string[];
  /** Edits of probes and hooks of containers that nothing else touched. */
  readonly edits: ReadonlyMap<JsonObject, readonly HandlerEdit[]>;
  /** What the templates added, for the status annotation. */
  readonly template: TemplatePod;
  readonly capture: CaptureIntent | undefined;
  readonly problems: readonly Problem[];
}

const emptyTemplate: TemplatePod = {
  labels: {},
  annotations: {},
  initContainers: [],
  containers: [],
  volumes: [],
  imagePullSecrets: [],
};

function withProxy(lists: Lists, change: (container: JsonObject) => JsonObject): Lists {
  return {
    initContainers: replaceNamed(lists.initContainers, proxyName, change),
    containers: replaceNamed(lists.containers, proxyName, change),
  };
}

function withVariables(lists: Lists, variables: readonly JsonObject[]): Lists {
  if (variables.length === 0) return lists;
  const taken = new Set(variables.map((one) => stringMember(one, 'name')));
  return withProxy(lists, (container) => ({
    ...container,
    env: [...objectsMember(container, 'env').filter((one) => !taken.has(stringMember(one, 'name'))), ...variables],
  }));
}

/** The probers at the end of the proxy's variables, or with those of an earlier injection in their place. */
function withProbers(lists: Lists, probers: Probers): Lists {
  if (Object.keys(probers).length === 0) return lists;
  return withProxy(lists, (container) => ({
    ...container,
    env: withProberVariable(objectsMember(container, 'env'), probers),
  }));
}

function wantsProbes(data: TemplateData, template: TemplatePod): boolean {
  const asked = template.annotations[names.rewriteProbes] ?? annotationOf(data, names.rewriteProbes);
  const parsed = asked === undefined ? undefined : looseBoolean.parse(asked);
  if (parsed !== undefined && 'value' in parsed) return parsed.value;
  return data.values.sidecarInjectorWebhook.rewriteAppHTTPProbe;
}

interface Probed extends Lists {
  readonly edits: ReadonlyMap<JsonObject, readonly HandlerEdit[]>;
  readonly probers: Probers;
}

/**
 * Probes of every container but the proxy. Those of the pod's own objects, and of containers that others inject beside,
 * become edits; the rest changes in place.
 */
function probed(lists: Lists, data: TemplateData, beside: readonly JsonObject[]): Probed {
  const known = data.mesh.defaultConfig.statusPort ?? 15_020;
  const target = Number(annotationOf(data, names.statusPort) ?? known);
  const own = new Set<JsonObject>([...data.view.initContainers, ...data.view.containers, ...beside]);
  const edits = new Map<JsonObject, readonly HandlerEdit[]>();
  let probers: Probers = {};
  const change = (container: JsonObject): JsonObject => {
    if (stringMember(container, 'name') === proxyName) return container;
    const found = probersOf(container, { target, known });
    probers = { ...probers, ...found.probers };
    if (found.edits.length === 0) return container;
    if (!own.has(container)) return found.edits.reduce(withTurnedHandler, container);
    edits.set(container, found.edits);
    return container;
  };
  const initContainers = lists.initContainers.map(change);
  const containers = lists.containers.map(change);
  beside.forEach(change);
  return { initContainers, containers, edits, probers };
}

function networkOf(data: TemplateData): string {
  return labelOf(data, names.network) ?? (data.addressVariables[networkVariable] || data.values.global.network);
}

/** What the request's address, the values and the pod's label say of cluster and network, after everything else. */
function placeVariables(data: TemplateData, network: string): JsonObject[] {
  const cluster = data.addressVariables[clusterVariable] || data.values.global.multiCluster.clusterName;
  const all = {
    ...data.addressVariables,
    ...(cluster === '' ? {} : { [clusterVariable]: cluster }),
    ...(network === '' ? {} : { [networkVariable]: network }),
  };
  return Object.entries(all)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => variable(name, value));
}

/**
 * Lays Istio's templates over a pod, in order, and does what Istio does afterwards: overrides, metrics, probes, order.
 * Containers `beside` are injected by others; their probes go to the agent too.
 */
export function renderPod(
  data: TemplateData,
  templates: readonly string[],
  beside: readonly JsonObject[] = [],
): RenderedPod {
  const template = templates.reduce<TemplatePod>((before, name) => {
    const made = istioTemplate(data.values, name)?.(data);
    if (made === undefined || before === emptyTemplate) return made ?? before;
    return mergeTemplates(before, made);
  }, emptyTemplate);
  const own = moveToTemplate({ initContainers: data.view.initContainers, containers: data.view.containers }, template);
  const copies = userCopies(data, template);
  const user = [...copies.initContainers, ...copies.containers].find((one) => stringMember(one, 'name') === proxyName);
  const laid = (list: List): JsonObject[] => mergeNamed(mergeNamed(own[list], template[list]), copies[list]);
  let lists: Lists = withUserIdentity(
    { initContainers: laid('initContainers'), containers: laid('containers') },
    data,
    user,
  );

  const ownCapture = has(template.initContainers, isCni(data) ? initNames.check : initNames.load)
    ? captureOf(data)
    : undefined;
  const exempt = exemptOf(data, user);
  const capture = ownCapture === undefined || exempt === undefined ? ownCapture : captureOf(data, exempt);
  if (ownCapture !== undefined && capture !== undefined && exempt !== undefined) {
    lists = { ...lists, initContainers: withFlags(lists.initContainers, ownCapture, capture) };
  }

  const hasProxy = has(lists.initContainers, proxyName) || has(lists.containers, proxyName);
  const metrics = mergeMetrics(data);
  const probes =
    hasProxy && wantsProbes(data, template) ? probed(lists, data, beside) : { ...lists, edits: new Map(), probers: {} };
  const network = networkOf(data);
  const variables = [
    ...placeVariables(data, network),
    ...(metrics.variable === undefined ? [] : [variable('ISTIO_PROMETHEUS_ANNOTATIONS', metrics.variable)]),
  ];
  lists = ordered(withProbers(withVariables(probes, variables), probes.probers), data);
  const proxy = [...lists.initContainers, ...lists.containers].find((one) => stringMember(one, 'name') === proxyName);
  const overrides = data.previous === undefined ? overridesText(copies) : undefined;
  const ownSecurity = objectMember(data.view.spec, 'securityContext');
  return {
    ...lists,
    volumes: mergeNamed(objectsMember(data.view.spec, 'volumes'), template.volumes),
    imagePullSecrets: template.imagePullSecrets,
    securityContext:
      template.securityContext === undefined ? undefined : strategicMerge(ownSecurity ?? {}, template.securityContext),
    labels: { ...template.labels, ...(network === '' ? {} : { [names.network]: network }) },
    annotations: {
      ...template.annotations,
      ...(overrides === undefined ? {} : { [names.overrides]: overrides }),
      ...metrics.annotations,
      ...securePortAnnotation(data, proxy),
      ...data.values.sidecarInjectorWebhook.injectedAnnotations,
    },
    removedAnnotations: metrics.removed,
    edits: probes.edits,
    template,
    capture,
    problems: metrics.problems,
  };
}
