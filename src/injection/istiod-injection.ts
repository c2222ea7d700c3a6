import { harden } from '../sidecars/istiod/harden.ts';
import { openShiftIdentity, withoutPlatformIds } from '../sidecars/istiod/openshift.ts';
import { ownContainers, previousInjection } from '../sidecars/istiod/previous-injection.ts';
import { renderPod, type RenderedPod } from '../sidecars/istiod/render.ts';
import { applicationNames, revisionOf, type TemplateData } from '../sidecars/istiod/template-data.ts';
import { istioTemplateNames } from '../sidecars/istiod/templates.ts';
import { overridesProblems, recordedCopies } from '../sidecars/istiod/user-copies.ts';
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
import { drainSecondsOf, endOf, planSleeps } from './drain.ts';
import { injectedContainers, withRedirects } from './injected-probes.ts';
import { hardeningReasons } from './istiod-hardening.ts';
import { piecesOf } from './istiod-pieces.ts';
import { planFragments, type Plan } from './plan.ts';
import { atLeastOne, type Proposal, type Reasons, type Refusal } from './proposal.ts';
import { applicationContainers, type ProbeEdit } from './probes.ts';
import { reason, type Reason } from './reason.ts';
import { chooseSidecars, declareFragments, type DeclaredFragments } from './selection.ts';
import type { Snapshot } from './snapshot.ts';
import { writeProposal } from './written-proposal.ts';

function annotation(view: PodView, name: string): string | undefined {
  return view.annotations === undefined ? undefined : stringMember(view.annotations, name);
}

/** Names of the wanted sidecars: Istio's templates, and those that are declared. */
interface Wanted {
  readonly istio: readonly string[];
  readonly declared: readonly string[];
}

/** What the pod asks for, or the settings; aliases are resolved once, as in Istio. */
function wantedTemplates(view: PodView, snapshot: Snapshot): Wanted | { readonly problem: Problem } {
  const { values } = snapshot.settings.istiod;
  const { defaultTemplates, aliases = {} } = values.sidecarInjectorWebhook;
  const text = annotation(view, istioNames.templates);
  const parsed = text === undefined ? undefined : templateList.parse(text);
  const where = istioNames.templates;
  if (parsed !== undefined && 'problem' in parsed) return { problem: { where, message: parsed.problem } };
  const fallback = defaultTemplates.length > 0 ? defaultTemplates : snapshot.settings.injection.defaultTemplates;
  const names = (parsed?.value ?? fallback).flatMap((name) =>
    Object.hasOwn(aliases, name) ? (aliases[name] ?? []) : [name],
  );
  const istio = istioTemplateNames(values);
  const known = [...new Set([...istio, ...snapshot.templates.keys(), ...Object.keys(aliases)])];
  const withoutVersion = new Set(known.map(nameOf));
  const unknown = names.find((name) => !known.includes(name) && !withoutVersion.has(name));
  if (unknown !== undefined) {
    const message = `${quote(unknown)} is not a known sidecar${didYouMean(unknown, known)}; known: ${known.join(', ')}`;
    return { problem: { where, message } };
  }
  const once = [...new Set(names)];
  return {
    istio: once.filter((name) => istio.includes(name)),
    declared: once.filter((name) => !istio.includes(name)),
  };
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

function invalid(problems: readonly Problem[]): Reason[] {
  return problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem)));
}

/** A pod of nothing but injected containers would be left without one in its list. */
function emptiness({ containers }: RenderedPod): Reason[] {
  if (containers.length > 0) return [];
  return [reason('InvalidOverride', 'the pod has no container of its own beside the injected ones')];
}

/** What of the declared sidecars' probes goes to the agent, as the application's do. */
function redirectedProbes(declared: DeclaredFragments, rendered: RenderedPod): ProbeEdit[] {
  return injectedContainers(declared.fragments.values()).flatMap((at) =>
    (rendered.edits.get(at.container) ?? []).map((edit): ProbeEdit => ({ at, ...edit })),
  );
}

/** The same for a pod whose proxy an istiod configures: what Istio's own injector would make of it. */
export function proposeIstiodInjection(
  view: PodView,
  request: InjectionRequest,
  snapshot: Snapshot,
  why: Reasons,
): Proposal | Refusal {
  const wanted = wantedTemplates(view, snapshot);
  const unreadable = atLeastOne(
    invalid([
      ...annotationProblems(view),
      ...overridesProblems(view.annotations),
      ...('problem' in wanted ? [wanted.problem] : []),
    ]),
  );
  if (unreadable !== undefined || 'problem' in wanted) return { outcome: 'reject', reasons: unreadable ?? why };

  const data = dataOf(view, request, snapshot);
  const situation = { namespace: request.namespace, owner: data.workload };
  const selection = chooseSidecars(wanted.declared, snapshot, situation);
  const declared = declareFragments(selection.chosen, view, request.namespace, data.native, snapshot);
  const beside = injectedContainers(declared.fragments.values()).map(({ container }) => container);
  const rendered = renderPod(data, wanted.istio, beside);
  const remarks = [...remarksOnPrevious(data), ...unknownKeys(view), ...annotationRemarks(view), ...declared.remarks];
  const refused = atLeastOne([
    ...invalid(rendered.problems),
    ...emptiness(rendered),
    ...hardeningReasons(data, rendered, snapshot),
    ...selection.problems,
    ...declared.problems,
  ]);
  if (refused !== undefined) return { outcome: 'reject', reasons: refused, remarks };

  const { fragment, ...pieces } = piecesOf(view, rendered, wanted.istio.join(','));
  const redirected = redirectedProbes(declared, rendered);
  const fragments = [
    snapshot.settings.istiod.hardened ? harden(fragment, new Set(applicationNames(data))) : fragment,
    ...[...declared.fragments.values()].map((one) => withRedirects(one, redirected)),
  ];
  const own = applicationContainers(view).filter(({ container }) => data.containers.includes(container));
  const sleeps = planSleeps(own, drainSecondsOf(view, request.namespace, snapshot), endOf(view, snapshot));
  remarks.push(...sleeps.remarks);
  const planned = planFragments(view, { fragments, ...pieces, redirected, sleeps: sleeps.edits });
  if ('conflicts' in planned) return { outcome: 'reject', reasons: planned.conflicts, remarks };
  const { template } = rendered;
  const plan: Plan = {
    ...planned.plan,
    // Declared ones by their versions, so that a second injection finds them.
    templates: [...wanted.istio, ...selection.chosen.keys()],
    revision: revisionOf(data.values),
    order: [...template.initContainers, ...template.containers].map(({ name }) => name),
  };
  return writeProposal(view, plan, snapshot, {
    reasons: why,
    remarks: [...remarks, ...plan.remarks],
    added: addedBy(plan, data.native, undefined),
    capture: rendered.capture,
  });
}
