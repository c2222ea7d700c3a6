import type { CaptureIntent } from '../../capture/intent.ts';
import { renderIstioIptablesFlags } from '../../capture/istio-iptables-flags.ts';
import { istioNames as names } from '../../settings/istio/annotation-names.ts';
import { looseBoolean } from '../../settings/grammar.ts';
import { objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../settings/json.ts';
import type { Problem } from '../../settings/problem.ts';
import { captureOf, type ExemptIdentity } from './capture.ts';
import { variable } from './container-parts.ts';
import { initNames } from './init-container.ts';
import { probersOf, probersText, withEdits, type HandlerEdit, type Probers } from './probers.ts';
import { mergeMetrics, securePortAnnotation } from './prometheus.ts';
import { mergeNamed, strategicMerge } from './strategic-merge.ts';
import {
  annotationOf,
  holdsApplication,
  interceptionModeOf,
  isCni,
  labelOf,
  type TemplateData,
} from './template-data.ts';
import type { Named, TemplatePod } from './template-pod.ts';
import { istioTemplate } from './templates.ts';
import { idOf, overridesText, userCopies } from './user-copies.ts';

const proxyName = 'istio-proxy';

type List = 'initContainers' | 'containers';
type Lists = Record<List, readonly JsonObject[]>;

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

function has(containers: readonly JsonObject[], name: string): boolean {
  return containers.some((container) => stringMember(container, 'name') === name);
}

/** A template's container goes where an earlier template has the one of that name, native or not. */
function inPlace(template: TemplatePod, before: TemplatePod): TemplatePod {
  const misplaced = template.containers.filter(({ name }) => has(before.initContainers, name));
  if (misplaced.length === 0) return template;
  return {
    ...template,
    containers: template.containers.filter((container) => !misplaced.includes(container)),
    initContainers: [...template.initContainers, ...misplaced],
  };
}

function secretsOf(secretNames: readonly string[]): JsonObject[] {
  return secretNames.map((name) => ({ name }));
}

function mergeTemplates(before: TemplatePod, template: TemplatePod): TemplatePod {
  const security = template.securityContext;
  return {
    labels: { ...before.labels, ...template.labels },
    annotations: { ...before.annotations, ...template.annotations },
    initContainers: mergeNamed(before.initContainers, template.initContainers) as Named[],
    containers: mergeNamed(before.containers, template.containers) as Named[],
    volumes: mergeNamed(before.volumes, template.volumes) as Named[],
    imagePullSecrets: mergeNamed(secretsOf(before.imagePullSecrets), secretsOf(template.imagePullSecrets)).map(
      (secret) => stringMember(secret, 'name') ?? '',
    ),
    ...(security === undefined && before.securityContext === undefined
      ? {}
      : { securityContext: strategicMerge(before.securityContext ?? {}, security ?? {}) }),
  };
}

function replaceNamed(containers: readonly JsonObject[], name: string, change: (container: JsonObject) => JsonObject) {
  return containers.map((container) => (stringMember(container, 'name') === name ? change(container) : container));
}

/** Containers of the pod that a template has in the other list move there first. */
function moveToTemplate(own: Lists, template: TemplatePod): Lists {
  const toInit = own.containers.filter((one) => has(template.initContainers, stringMember(one, 'name') ?? ''));
  const toMain = own.initContainers.filter((one) => has(template.containers, stringMember(one, 'name') ?? ''));
  if (toInit.length + toMain.length === 0) return own;
  return {
    containers: [...own.containers.filter((one) => !toInit.includes(one)), ...toMain],
    initContainers: [...own.initContainers.filter((one) => !toMain.includes(one)), ...toInit],
  };
}

function withSecurity(container: JsonObject, more: JsonObject): JsonObject {
  return { ...container, securityContext: { ...objectMember(container, 'securityContext'), ...more } };
}

/** The user's own copy of the proxy may name its user; TPROXY needs root, and the check runs as the proxy does. */
function withUserIdentity(lists: Lists, data: TemplateData, user: JsonObject | undefined): Lists {
  const uid = idOf(user, 'runAsUser');
  const gid = idOf(user, 'runAsGroup');
  if (uid === undefined && gid === undefined) return lists;
  const tproxy = interceptionModeOf(data) === 'TPROXY';
  const asRoot = (containers: readonly JsonObject[]): readonly JsonObject[] =>
    tproxy ? replaceNamed(containers, proxyName, (one) => withSecurity(one, { runAsUser: 0 })) : containers;
  const proxy = [...asRoot(lists.initContainers), ...asRoot(lists.containers)].find(
    (container) => stringMember(container, 'name') === proxyName,
  );
  const runAsUser = idOf(proxy, 'runAsUser');
  const runAsGroup = idOf(proxy, 'runAsGroup');
  const checked = replaceNamed(asRoot(lists.initContainers), initNames.check, (one) =>
    withSecurity(one, {
      ...(runAsUser === undefined ? {} : { runAsUser }),
      ...(runAsGroup === undefined ? {} : { runAsGroup }),
    }),
  );
  return { initContainers: checked, containers: asRoot(lists.containers) };
}

/**
 * Whom the rules exempt when the user's copy of the proxy names a user. With TPROXY the process runs as root, so its
 * group has to be exempt as well: Istio leaves that out and the proxy captures itself.
 */
function exemptOf(data: TemplateData, user: JsonObject | undefined): ExemptIdentity | undefined {
  const uid = idOf(user, 'runAsUser');
  if (uid === undefined || uid === 0) return undefined;
  const gid = interceptionModeOf(data) === 'TPROXY' ? idOf(user, 'runAsGroup') : undefined;
  return { uid, gid };
}

/** The arguments of the init container with the flags of another intent; other changes of the user stay. */
function withFlags(
  containers: readonly JsonObject[],
  before: CaptureIntent,
  after: CaptureIntent,
): readonly JsonObject[] {
  const old = renderIstioIptablesFlags(before);
  const next = renderIstioIptablesFlags(after);
  const change = (container: JsonObject): JsonObject => {
    const args = container['args'];
    if (!Array.isArray(args)) return container;
    const at = args.indexOf('-p');
    const isOurs = old.every((flag, index) => args[at + index] === flag);
    if (at < 0 || !isOurs) return container;
    return {
      ...container,
      args: [...(args as readonly Json[]).slice(0, at), ...next, ...(args as readonly Json[]).slice(at + old.length)],
    };
  };
  return replaceNamed(replaceNamed(containers, initNames.load, change), initNames.check, change);
}

function withVariables(lists: Lists, variables: readonly JsonObject[]): Lists {
  if (variables.length === 0) return lists;
  const taken = new Set(variables.map((one) => stringMember(one, 'name')));
  const change = (container: JsonObject): JsonObject => ({
    ...container,
    env: [...objectsMember(container, 'env').filter((one) => !taken.has(stringMember(one, 'name'))), ...variables],
  });
  return {
    initContainers: replaceNamed(lists.initContainers, proxyName, change),
    containers: replaceNamed(lists.containers, proxyName, change),
  };
}

function moved(containers: readonly JsonObject[], name: string, to: 'first' | 'last'): readonly JsonObject[] {
  const found = containers.filter((container) => stringMember(container, 'name') === name);
  const rest = containers.filter((container) => !found.includes(container));
  return to === 'first' ? [...found, ...rest] : [...rest, ...found];
}

/** Native: rules, proxy, then everything else. Classic: rules after the init containers, proxy after the containers. */
function ordered(lists: Lists, data: TemplateData): Lists {
  const containers = moved(lists.containers, proxyName, holdsApplication(data) ? 'first' : 'last');
  const { check, load } = initNames;
  const steps: readonly (readonly [string, 'first' | 'last'])[] = has(lists.initContainers, proxyName)
    ? [
        [proxyName, 'first'],
        [check, 'first'],
        [load, 'first'],
      ]
    : [
        [check, 'first'],
        [load, 'last'],
      ];
  const initContainers = steps.reduce((before, [name, to]) => moved(before, name, to), lists.initContainers);
  return { initContainers, containers };
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

/** Probes of every container but the proxy; those of the pod's own objects become edits, others change in place. */
function probed(lists: Lists, data: TemplateData): Probed {
  const known = data.mesh.defaultConfig.statusPort ?? 15_020;
  const target = Number(annotationOf(data, names.statusPort) ?? known);
  const own = new Set<JsonObject>([...data.view.initContainers, ...data.view.containers]);
  const edits = new Map<JsonObject, readonly HandlerEdit[]>();
  let probers: Probers = {};
  const change = (container: JsonObject): JsonObject => {
    if (stringMember(container, 'name') === proxyName) return container;
    const found = probersOf(container, { target, known });
    probers = { ...probers, ...found.probers };
    if (found.edits.length === 0) return container;
    if (!own.has(container)) return withEdits(container, found.edits);
    edits.set(container, found.edits);
    return container;
  };
  const initContainers = lists.initContainers.map(change);
  return { initContainers, containers: lists.containers.map(change), edits, probers };
}

function networkOf(data: TemplateData): string {
  return labelOf(data, names.network) ?? data.values.global.network;
}

/** Lays Istio's templates over a pod, in order, and does what Istio does afterwards: overrides, metrics, probes, order. */
export function renderPod(data: TemplateData, templates: readonly string[]): RenderedPod {
  const template = templates.reduce<TemplatePod>((before, name) => {
    const made = istioTemplate(data.values, name)?.(data);
    if (made === undefined || before === emptyTemplate) return made ?? before;
    return mergeTemplates(before, inPlace(made, before));
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
    hasProxy && wantsProbes(data, template) ? probed(lists, data) : { ...lists, edits: new Map(), probers: {} };
  const network = networkOf(data);
  const variables = [
    ...(network === '' ? [] : [variable('ISTIO_META_NETWORK', network)]),
    ...(metrics.variable === undefined ? [] : [variable('ISTIO_PROMETHEUS_ANNOTATIONS', metrics.variable)]),
    ...(Object.keys(probes.probers).length === 0
      ? []
      : [variable('ISTIO_KUBE_APP_PROBERS', probersText(probes.probers))]),
  ];
  lists = ordered(withVariables(probes, variables), data);
  const proxy = [...lists.initContainers, ...lists.containers].find((one) => stringMember(one, 'name') === proxyName);
  const overrides = overridesText(copies);
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
