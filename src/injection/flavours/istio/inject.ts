import { harden } from './harden.ts';
import { renderPod, type RenderedPod } from '../../../istio/templates/render.ts';
import { applicationNames, revisionOf, type TemplateData } from '../../../istio/templates/template-data.ts';
import { proxyName } from '../../../istio/templates/template-pod.ts';
import { istioTemplateNames } from '../../../istio/templates/templates.ts';
import { overridesProblems } from '../../../istio/templates/user-copies.ts';
import type { PodView } from '../../../pod/view.ts';
import { nameOf } from '../../../sidecars/template-library.ts';
import { templateList } from '../../../grammar/grammar.ts';
import { istioNames } from '../../../settings/istio/annotation-names.ts';
import { annotationProblems, annotationRemarks } from '../../../settings/istio/pod-annotations.ts';
import { objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { chooseProfile } from '../../../settings/effective.ts';
import { profileLabel } from '../../../settings/schema/profile.ts';
import { unknownKeys } from '../../../settings/pod-settings.ts';
import { describeProblem, quote, type Problem } from '../../../grammar/problem.ts';
import { didYouMean } from '../../../grammar/suggestion.ts';
import { addedBy } from '../../plan/added.ts';
import type { InjectionRequest } from '../../decision.ts';
import { endOf, planSleeps, type SleepPlan } from '../../plan/drain.ts';
import { drainSecondsOf } from './drain-seconds.ts';
import { injectedContainers, withRedirects } from '../../plan/injected-probes.ts';
import { templateDataOf } from './data.ts';
import { cappedReasons, hardeningReasons } from './hardening.ts';
import { profileRemark } from '../../policy/profile-label.ts';
import { piecesOf } from './pieces.ts';
import { planFragments, type Plan } from '../../plan/plan.ts';
import { atLeastOne, type Proposal, type Reasons, type Refusal } from '../../patch/proposal.ts';
import { applicationContainers, type ProbeEdit } from '../../plan/probes.ts';
import { reason, type Reason } from '../../policy/reason.ts';
import { chooseSidecars, declareFragments, type DeclaredFragments } from '../../policy/selection.ts';
import { baseOf, type Snapshot } from '../../snapshot.ts';
import { writeProposal } from '../../patch/written-proposal.ts';

/** Names of the wanted sidecars: Istio's templates, and those that are declared. */
interface Wanted {
  readonly istio: readonly string[];
  readonly declared: readonly string[];
}

/** What the pod asks for, or the settings; aliases are resolved once, as in Istio. */
export function wantedTemplates(view: PodView, snapshot: Snapshot): Wanted | { readonly problem: Problem } {
  const { values } = snapshot.settings.istiod;
  const { defaultTemplates, aliases = {} } = values.sidecarInjectorWebhook;
  const text = stringMember(view.annotations, istioNames.templates);
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

function remarksOnPrevious({ previous }: TemplateData): string[] {
  return previous === undefined
    ? []
    : ['Istio’s injector has injected the pod before; its templates are laid over that'];
}

/** A profile does nothing here unless the settings are hardened; a pod's wish for one is said with its label. */
function remarksOnProfile(view: PodView, namespace: string, { settings }: Snapshot): string[] {
  const chosen = chooseProfile(settings.profiles, namespace, view.labels)?.name;
  if (settings.istiod.hardened) {
    const remark = profileRemark(view.labels, chosen, settings.profiles);
    return remark === undefined ? [] : [remark];
  }
  if (chosen === undefined || stringMember(view.labels, profileLabel) !== undefined) return [];
  return [`profile ${quote(chosen)} has no effect in the mode istiod without the setting istiod.hardened`];
}

function invalid(problems: readonly Problem[]): Reason[] {
  return problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem)));
}

/** A pod of nothing but injected containers would be left without one in its list. */
function emptiness({ containers }: RenderedPod): Reason[] {
  if (containers.length > 0) return [];
  return [reason('InvalidOverride', 'the pod has no container of its own beside the injected ones')];
}

/** Mounts by annotation whose volume nobody has; the proxy's own copy and what a claim brings are not looked at. */
function lostMounts(view: PodView, { volumes, containers, initContainers }: RenderedPod): Problem[] {
  const text = stringMember(view.annotations, istioNames.userVolumeMount);
  if (text === undefined) return [];
  // Checked with the other annotations before.
  const asked = Object.keys(JSON.parse(text) as JsonObject);
  const mounted = (list: readonly JsonObject[]): readonly (string | undefined)[] =>
    list.flatMap((one) => objectsMember(one, 'volumeMounts').map((mount) => stringMember(mount, 'name')));
  const injected = mounted([...containers, ...initContainers].filter((one) => stringMember(one, 'name') === proxyName));
  const own = mounted([...view.containers, ...view.initContainers]);
  const known = new Set([...volumes.map((volume) => stringMember(volume, 'name')), ...own]);
  return asked
    .filter((name) => injected.includes(name) && !known.has(name))
    .map((name) => ({
      where: istioNames.userVolumeMount,
      message: `${quote(name)} is no volume of the pod; allowed: ${[...known].join(', ')}`,
    }));
}

/** What of the declared sidecars' probes goes to the agent, as the application's do. */
function redirectedProbes(declared: DeclaredFragments, rendered: RenderedPod): ProbeEdit[] {
  return injectedContainers(declared.fragments.values()).flatMap((at) =>
    (rendered.edits.get(at.container) ?? []).map((edit): ProbeEdit => ({ at, ...edit })),
  );
}

/** Sleeps of the application's containers that stay in their places; one that a template changes is added anew. */
function sleepsFor(view: PodView, namespace: string, { containers }: RenderedPod, snapshot: Snapshot): SleepPlan {
  const seconds = drainSecondsOf(view, namespace, snapshot);
  const application = applicationContainers(view).filter(({ list }) => list === 'containers');
  const staying = new Set(containers);
  const kept = application.filter(({ container }) => staying.has(container));
  const plan = planSleeps(kept, seconds, endOf(view, snapshot));
  const changed = application.filter(({ container }) => !staying.has(container));
  if (seconds === 0 || changed.length === 0) return plan;
  const which = changed.map(({ container }) => quote(stringMember(container, 'name') ?? '')).join(', ');
  const remark = `applicationDrainSeconds has no effect on ${which}, which a template of Istio’s changes`;
  return { ...plan, remarks: [...plan.remarks, remark] };
}

/**
 * What is done to a pod that carries no status of ours and whose proxy an istiod configures: what Istio's own injector
 * would make of it.
 */
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

  const { hardened } = snapshot.settings.istiod;
  const data = templateDataOf(view, request, snapshot);
  const situation = { namespace: request.namespace, owner: data.workload };
  const selection = chooseSidecars(wanted.declared, snapshot, situation);
  const declared = declareFragments(selection.chosen, view, request.namespace, data.native, snapshot);
  const beside = injectedContainers(declared.fragments.values()).map(({ container }) => container);
  const rendered = renderPod(data, wanted.istio, beside);
  const remarks = [
    ...remarksOnPrevious(data),
    ...remarksOnProfile(view, request.namespace, snapshot),
    ...unknownKeys(view),
    ...annotationRemarks(view, hardened),
    ...declared.remarks,
  ];
  const refused = atLeastOne([
    ...invalid([...rendered.problems, ...lostMounts(view, rendered)]),
    ...emptiness(rendered),
    ...(hardened ? [...hardeningReasons(data, rendered, snapshot), ...cappedReasons(view, request, snapshot)] : []),
    ...selection.problems,
    ...declared.problems,
  ]);
  if (refused !== undefined) return { outcome: 'reject', reasons: refused, remarks };

  const { fragment, ...pieces } = piecesOf(view, rendered, wanted.istio.join(','));
  const { patches } = baseOf(snapshot, request.namespace, view.labels);
  const finished = hardened ? harden(fragment, new Set(applicationNames(data)), patches) : { fragment, misfits: [] };
  const misfits = atLeastOne(finished.misfits.map((text) => reason('ProfileMisfit', text)));
  if (misfits !== undefined) return { outcome: 'reject', reasons: misfits, remarks };
  const redirected = redirectedProbes(declared, rendered);
  const fragments = [
    finished.fragment,
    ...[...declared.fragments.values()].map((one) => withRedirects(one, redirected)),
  ];
  const sleeps = sleepsFor(view, request.namespace, rendered, snapshot);
  remarks.push(...sleeps.remarks);
  const planned = planFragments(view, { fragments, ...pieces, redirected, sleeps: sleeps.edits });
  if ('conflicts' in planned) return { outcome: 'reject', reasons: planned.conflicts, remarks };
  const { template } = rendered;
  const plan: Plan = {
    ...planned.plan,
    // Declared ones by their versions, so that a second injection finds them.
    templates: [...wanted.istio, ...selection.chosen.keys()],
    overruled: true,
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
