import { harden } from '../sidecars/istiod/harden.ts';
import { openShiftIdentity, withoutPlatformIds } from '../sidecars/istiod/openshift.ts';
import { ownContainers, previousInjection } from '../sidecars/istiod/previous-injection.ts';
import { renderPod } from '../sidecars/istiod/render.ts';
import { applicationNames, revisionOf, type TemplateData } from '../sidecars/istiod/template-data.ts';
import { istioTemplateNames } from '../sidecars/istiod/templates.ts';
import { overridesProblem, recordedCopies } from '../sidecars/istiod/user-copies.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import { nameOf } from '../sidecars/template-library.ts';
import { workloadOf } from '../sidecars/workload.ts';
import { templateList } from '../settings/grammar.ts';
import { istioNames } from '../settings/istio/annotation-names.ts';
import { proxyConfigText } from '../settings/istio/annotation-grammars.ts';
import { annotationProblems, annotationRemarks } from '../settings/istio/pod-annotations.ts';
import { mergeProxyConfig } from '../settings/istio/proxy-config.ts';
import { stringMember } from '../settings/json.ts';
import { unknownKeys } from '../settings/pod-settings.ts';
import { describeProblem, quote, type Problem } from '../settings/problem.ts';
import { didYouMean } from '../settings/suggestion.ts';
import { addedBy } from './added.ts';
import type { InjectionRequest } from './decision.ts';
import { hardeningReasons } from './istiod-hardening.ts';
import { piecesOf } from './istiod-pieces.ts';
import { planFragments, type Plan } from './plan.ts';
import { atLeastOne, type Proposal, type Reasons, type Refusal } from './proposal.ts';
import { reason } from './reason.ts';
import { chooseSidecars, declareFragments } from './selection.ts';
import type { Snapshot } from './snapshot.ts';
import { writeProposal } from './written-proposal.ts';

function annotation(view: PodView, name: string): string | undefined {
  return view.annotations === undefined ? undefined : stringMember(view.annotations, name);
}

/** Names of the wanted templates, aliases resolved once as in Istio. */
function wantedTemplates(view: PodView, snapshot: Snapshot): readonly string[] | Problem {
  const { values } = snapshot.settings.istiod;
  const { defaultTemplates, aliases = {} } = values.sidecarInjectorWebhook;
  const text = annotation(view, istioNames.templates);
  const parsed = text === undefined ? undefined : templateList.parse(text);
  if (parsed !== undefined && 'problem' in parsed) return { where: istioNames.templates, message: parsed.problem };
  const fallback = defaultTemplates.length > 0 ? defaultTemplates : snapshot.settings.injection.defaultTemplates;
  const names = (parsed?.value ?? fallback).flatMap((name) =>
    Object.hasOwn(aliases, name) ? (aliases[name] ?? []) : [name],
  );
  const known = [...new Set([...istioTemplateNames(values), ...snapshot.templates.keys(), ...Object.keys(aliases)])];
  const withoutVersion = new Set(known.map(nameOf));
  const unknown = names.find((name) => !known.includes(name) && !withoutVersion.has(name));
  if (unknown === undefined) return [...new Set(names)];
  const message = `${quote(unknown)} is not a known sidecar${didYouMean(unknown, known)}; known: ${known.join(', ')}`;
  return { where: istioNames.templates, message };
}

function isNative(view: PodView, snapshot: Snapshot): boolean {
  const asked = annotation(view, istioNames.nativeSidecar);
  if (asked !== undefined) return asked === 'true';
  const { nativeSidecars } = snapshot.settings.injection;
  const istio = snapshot.settings.istiod.values.pilot.env['ENABLE_NATIVE_SIDECARS'];
  if (nativeSidecars !== 'auto') return nativeSidecars === 'always';
  return istio === 'true' || istio === 'false' ? istio === 'true' : snapshot.nativeSidecars;
}

/** Annotations of the pod's namespace: the caller's, else those that are known of the cluster. */
function annotationsOf(request: InjectionRequest, snapshot: Snapshot): InjectionRequest['namespaceAnnotations'] {
  return request.namespaceAnnotations ?? snapshot.namespaces.get(request.namespace);
}

function dataOf(original: PodView, request: InjectionRequest, snapshot: Snapshot): TemplateData {
  const { values, meshConfig: mesh } = snapshot.settings.istiod;
  const isOpenShift = values.global.platform === 'openshift';
  const view = isOpenShift ? withoutPlatformIds(original) : original;
  const config = proxyConfigText.parse(annotation(view, istioNames.proxyConfig) ?? '');
  const previous = previousInjection(view);
  return {
    values,
    mesh,
    proxyConfig: 'value' in config ? mergeProxyConfig(mesh.defaultConfig, config.value) : mesh.defaultConfig,
    view,
    containers: ownContainers(view, previous, recordedCopies(view.annotations).containers),
    previous,
    addressVariables: request.proxyVariables ?? {},
    namespace: request.namespace,
    workload: request.workload ?? workloadOf(view),
    native: isNative(view, snapshot),
    platformIdentity: isOpenShift ? openShiftIdentity(annotationsOf(request, snapshot)) : undefined,
  };
}

function remarksOnPrevious({ previous }: TemplateData): string[] {
  return previous === undefined
    ? []
    : ['Istio’s injector has injected the pod before; its templates are laid over that'];
}

function rejected(problems: readonly Problem[]): Refusal | undefined {
  const reasons = atLeastOne(problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem))));
  return reasons === undefined ? undefined : { outcome: 'reject', reasons };
}

/** The same for a pod whose proxy an istiod configures: what Istio's own injector would make of it. */
export function proposeIstiodInjection(
  view: PodView,
  request: InjectionRequest,
  snapshot: Snapshot,
  why: Reasons,
): Proposal | Refusal {
  const templates = wantedTemplates(view, snapshot);
  const overrides = overridesProblem(view.annotations);
  const early = rejected([
    ...annotationProblems(view),
    ...('where' in templates ? [templates] : []),
    ...(overrides === undefined ? [] : [overrides]),
  ]);
  if (early !== undefined || 'where' in templates) return early ?? { outcome: 'skip', reasons: why };

  const data = dataOf(view, request, snapshot);
  const istio = istioTemplateNames(data.values);
  const rendered = renderPod(
    data,
    templates.filter((name) => istio.includes(name)),
  );
  const late = rejected(rendered.problems);
  if (late !== undefined) return late;
  if (rendered.containers.length === 0) {
    const message = 'the pod has no container of its own beside the injected ones';
    return { outcome: 'reject', reasons: [reason('InvalidOverride', message)] };
  }

  const pieces = piecesOf(view, rendered, templates.filter((name) => istio.includes(name)).join(','));
  const declaredNames = templates.filter((name) => !istio.includes(name));
  const owner = request.workload ?? workloadOf(view);
  const selection = chooseSidecars(declaredNames, snapshot, { namespace: request.namespace, owner });
  const declared = declareFragments(selection.chosen, view, request.namespace, data.native, snapshot);
  const refused = atLeastOne([
    ...hardeningReasons(data, rendered, snapshot),
    ...selection.problems,
    ...declared.problems,
  ]);
  if (refused !== undefined) return { outcome: 'reject', reasons: refused, remarks: declared.remarks };
  const { overrides: copies, edits, changes } = pieces;
  const { hardened } = snapshot.settings.istiod;
  const fragment = hardened ? harden(pieces.fragment, new Set(applicationNames(data))) : pieces.fragment;
  const fragments = [fragment, ...declared.fragments.values()];
  const planned = planFragments(view, { fragments, overrides: copies, edits, redirected: [], sleeps: [], changes });
  if ('conflicts' in planned) return { outcome: 'reject', reasons: planned.conflicts };
  const { template } = rendered;
  const order = [...template.initContainers, ...template.containers].map(({ name }) => name);
  // Declared ones by their versions, so that a second injection finds them.
  const injected = [...templates.filter((name) => istio.includes(name)), ...selection.chosen.keys()];
  const plan: Plan = { ...planned.plan, templates: injected, revision: revisionOf(data.values), order };
  return writeProposal(view, plan, snapshot, {
    reasons: why,
    remarks: [
      ...remarksOnPrevious(data),
      ...unknownKeys(view),
      ...annotationRemarks(view),
      ...declared.remarks,
      ...planned.plan.remarks,
    ],
    added: addedBy(plan, data.native, undefined),
    capture: rendered.capture,
  });
}
