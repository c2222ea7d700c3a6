import type { CaptureIntent } from '../../capture/intent.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { Problem } from '../../grammar/problem.ts';
import { captureOf } from './capture.ts';
import { has, moveToTemplate, ordered, type Lists } from './container-lists.ts';
import { variable } from './container-parts.ts';
import { initNames } from './init-container.ts';
import type { RewrittenHandler } from '../../pod/handler.ts';
import { wantsProbes } from './probers.ts';
import { mergeMetrics, securePortAnnotation } from './prometheus.ts';
import { networkOf, placeVariables, withProbers, withVariables } from './proxy-variables.ts';
import { mergeNamed, strategicMerge } from '../../json/strategic-merge.ts';
import { annotationOf, isCni, type TemplateData } from './template-data.ts';
import { mergeTemplates } from './template-merge.ts';
import { proxyName, type TemplatePod } from './template-pod.ts';
import { istioTemplate } from './templates.ts';
import { rewriteProbes } from './rewritten-probes.ts';
import { exemptOf, withFlags, withUserIdentity } from './user-identity.ts';
import { overridesText, userCopies } from './user-copies.ts';

type List = keyof Lists;

/** A pod with Istio's templates applied. Objects of the pod that were not changed keep their identity. */
export interface RenderedPod extends Lists {
  readonly volumes: readonly JsonObject[];
  readonly imagePullSecrets: readonly string[];
  readonly securityContext: JsonObject | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly removedAnnotations: readonly string[];
  /** Rewrites of probes and hooks in containers that are not changed otherwise. */
  readonly edits: ReadonlyMap<JsonObject, readonly RewrittenHandler[]>;
  /** What the templates add, for the status annotation. */
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

/**
 * Applies Istio's templates to a pod, in order, followed by Istio's further steps: overrides, metrics, probes, order.
 * Containers in `beside` are injected by others; their probes are rewritten too.
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
  const { initContainers, containers } = data.view;
  const own = moveToTemplate({ initContainers, containers }, template, data.previous);
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

  const asked = template.annotations[names.rewriteProbes] ?? annotationOf(data, names.rewriteProbes);
  const hasProxy = has(lists.initContainers, proxyName) || has(lists.containers, proxyName);
  const metrics = mergeMetrics(data);
  const probes =
    hasProxy && wantsProbes(data.values, asked)
      ? rewriteProbes(lists, data, beside)
      : { ...lists, edits: new Map(), probers: {} };
  const network = networkOf(data);
  const variables = [
    ...placeVariables(data, network),
    ...(metrics.variable === undefined ? [] : [variable('ISTIO_PROMETHEUS_ANNOTATIONS', metrics.variable)]),
  ];
  lists = ordered(withProbers(withVariables(probes, variables), probes.probers, data), data);
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
