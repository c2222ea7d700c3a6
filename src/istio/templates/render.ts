import type { CaptureIntent } from '../../capture/intent.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import {
  isSame,
  member,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../json/json.ts';
import type { Problem } from '../../grammar/problem.ts';
import { captureOf } from './capture.ts';
import { ordered, type Lists } from './container-lists.ts';
import { variable } from './container-parts.ts';
import { initNames } from './init-container.ts';
import type { RewrittenHandler } from '../../pod/handler.ts';
import { wantsProbes } from './probers.ts';
import { mergeMetrics, securePortAnnotation } from './prometheus.ts';
import { networkOf, placeVariables, withProbers, withVariables } from './proxy-variables.ts';
import { mergeNamed } from '../../json/strategic-merge.ts';
import { isCni, type TemplateData } from './template-data.ts';
import { bareLayers, layTemplate, listsOf, namesOf, textsOf, type TemplateNames } from './template-merge.ts';
import { proxyName } from './template-pod.ts';
import { istioTemplate } from './templates.ts';
import { rewriteProbes } from './rewritten-probes.ts';
import { exemptOf, withFlags, withUserIdentity } from './user-identity.ts';
import { overridesText, userCopies } from './user-copies.ts';

/** A pod with Istio's templates applied. Objects of the pod that were not changed keep their identity. */
export interface RenderedPod extends Lists {
  readonly volumes: readonly JsonObject[];
  readonly imagePullSecrets: readonly JsonObject[];
  /** Other members of the pod's spec that the templates change; null removes one. */
  readonly fields: JsonObject;
  /** All labels and annotations of the result. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Keys of the pod that the result does not have. */
  readonly removed: { readonly labels: readonly string[]; readonly annotations: readonly string[] };
  /** Rewrites of probes and hooks in containers that are not changed otherwise. */
  readonly edits: ReadonlyMap<JsonObject, readonly RewrittenHandler[]>;
  /** What the templates add, for the status annotation. */
  readonly template: TemplateNames;
  readonly capture: CaptureIntent | undefined;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** What others add to the pod besides Istio's templates. The pod's own labels and annotations win over theirs. */
export interface Beside {
  /** Containers whose probes are rewritten too. */
  readonly containers: readonly JsonObject[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const nothingBeside: Beside = { containers: [], labels: {}, annotations: {} };

const listed: ReadonlySet<string> = new Set(['containers', 'initContainers', 'volumes', 'imagePullSecrets']);

/** Returns the members of the spec, without its lists of named objects, that differ. */
function changedFields(before: JsonObject, after: JsonObject): JsonObject {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...keys].filter((key) => !listed.has(key) && !isSame(member(before, key), member(after, key)));
  return Object.fromEntries(changed.map((key): [string, Json] => [key, member(after, key) ?? null]));
}

function removedKeys(before: JsonObject | undefined, after: JsonObject): string[] {
  return Object.keys(before ?? {}).filter((key) => !Object.hasOwn(after, key));
}

function without(map: JsonObject, keys: readonly string[]): JsonObject {
  const out = new Set(keys);
  return Object.fromEntries(Object.entries(map).filter(([key]) => !out.has(key)));
}

function proxyIn({ containers, initContainers }: Lists): JsonObject | undefined {
  return [...containers, ...initContainers].find((one) => stringMember(one, 'name') === proxyName);
}

/**
 * Applies Istio's templates to a pod, in order, followed by Istio's further steps: overrides, metrics, probes, order.
 * These steps decide by the annotations of the pod as the templates have left it.
 */
export function renderPod(
  data: TemplateData,
  templates: readonly string[],
  beside: Beside = nothingBeside,
): RenderedPod {
  const patches = templates.flatMap((name): JsonObject[] => {
    const patch = istioTemplate(data.values, name)?.(data);
    return patch === undefined ? [] : [patch];
  });
  const { pod, template } = patches.reduce(layTemplate, bareLayers(data.view, data.previous));
  const added = namesOf(template);
  const metadata = objectMember(pod, 'metadata');
  const spec = objectMember(pod, 'spec') ?? {};
  const copies = userCopies(data, added);
  // After an injection by Istio's injector that is the injected one, with the ids that its user has set.
  const user = proxyIn(data.view);
  const withCopies = (list: readonly JsonObject[], own: readonly JsonObject[]): readonly JsonObject[] =>
    own.reduce((before, copy) => mergeNamed(before, [copy]), list);
  const laid = listsOf(pod);
  let lists: Lists = withUserIdentity(
    {
      initContainers: withCopies(laid.initContainers, copies.initContainers),
      containers: withCopies(laid.containers, copies.containers),
    },
    data,
    user,
  );

  const ownCapture = added.initContainers.includes(isCni(data) ? initNames.check : initNames.load)
    ? captureOf(data)
    : undefined;
  const exempt = exemptOf(data, user);
  const capture = ownCapture === undefined || exempt === undefined ? ownCapture : captureOf(data, exempt);
  if (ownCapture !== undefined && capture !== undefined && exempt !== undefined) {
    lists = { ...lists, initContainers: withFlags(lists.initContainers, ownCapture, capture) };
  }

  const { labels: ownLabels = {}, annotations: ownAnnotations = {} } = data.view;
  const merged = {
    labels: { ...objectMember(metadata, 'labels'), ...without(beside.labels, Object.keys(ownLabels)) },
    annotations: {
      ...objectMember(metadata, 'annotations'),
      ...without(beside.annotations, Object.keys(ownAnnotations)),
    },
  };
  const asked = stringMember(merged.annotations, names.rewriteProbes);
  const metrics = mergeMetrics(data, merged.annotations);
  const probes =
    proxyIn(lists) !== undefined && wantsProbes(data.values, asked)
      ? rewriteProbes(lists, data, merged.annotations, beside.containers)
      : { ...lists, edits: new Map(), probers: {} };
  const network = networkOf(data);
  const variables = [
    ...placeVariables(data, network),
    ...(metrics.variable === undefined ? [] : [variable('ISTIO_PROMETHEUS_ANNOTATIONS', metrics.variable)]),
  ];
  lists = ordered(withProbers(withVariables(probes, variables), probes.probers, data), data);
  const proxy = proxyIn(lists);
  const overrides = data.previous === undefined ? overridesText(copies) : undefined;
  const labels = { ...merged.labels, ...(network === '' ? {} : { [names.network]: network }) };
  const annotations = {
    ...without(merged.annotations, metrics.removed),
    ...(overrides === undefined ? {} : { [names.overrides]: overrides }),
    ...metrics.annotations,
    ...securePortAnnotation(merged.annotations, proxy),
    ...data.values.sidecarInjectorWebhook.injectedAnnotations,
  };
  return {
    ...lists,
    volumes: objectsMember(spec, 'volumes'),
    imagePullSecrets: objectsMember(spec, 'imagePullSecrets'),
    fields: changedFields(data.view.spec ?? {}, spec),
    labels: textsOf(labels),
    annotations: textsOf(annotations),
    removed: {
      labels: removedKeys(data.view.labels, labels),
      annotations: removedKeys(data.view.annotations, annotations),
    },
    edits: probes.edits,
    template: added,
    capture,
    problems: metrics.problems,
    warnings: metrics.warnings,
  };
}
