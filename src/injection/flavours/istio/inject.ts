import type { Flavour } from '../flavour.ts';
import { applicationContainers } from '../../../pod/containers.ts';
import { harden } from './hardened-containers.ts';
import { renderPod, type Beside, type RenderedPod } from '../../../istio/templates/render.ts';
import type { TemplateNames } from '../../../istio/templates/template-merge.ts';
import type { Fragment } from '../../../sidecars/fragment.ts';
import { revisionOf, type TemplateData } from '../../../istio/templates/template-data.ts';
import { proxyName } from '../../../istio/templates/template-pod.ts';
import { istioTemplateNames } from '../../../istio/templates/templates.ts';
import { overridesProblems } from '../../../istio/templates/user-copies.ts';
import type { PodView } from '../../../pod/view.ts';
import { nameOf } from '../../../sidecars/template-library.ts';
import { templateList } from '../../../grammar/grammar.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';
import { annotationProblems, annotationWarnings } from '../../../settings/istiod-annotations.ts';
import { stringMember } from '../../../json/json.ts';
import { isTextTemplate } from '../../../settings/schema/istio/pod-template.ts';
import { chooseProfile } from '../../../settings/effective.ts';
import { profileLabel } from '../../../settings/schema/profile.ts';
import { defaultsAnnotation } from '../../../settings/namespace-defaults.ts';
import { unknownKeys } from '../../../settings/pod-settings.ts';
import { quote, type Problem } from '../../../grammar/problem.ts';
import { didYouMean } from '../../../grammar/suggestion.ts';
import { addedBy } from '../../plan/added.ts';
import { terminationOf, planSleeps, type SleepPlan } from '../../plan/prestop-sleep.ts';
import { drainSecondsOf } from './drain-seconds.ts';
import { injectedContainers, withRedirects } from '../../plan/injected-probes.ts';
import { templateDataOf } from './data.ts';
import { cappedReasons, hardeningReasons } from './hardening-checks.ts';
import { templateFaults, userMountProblems } from './mount-faults.ts';
import { profileWarning } from '../../policy/profile-label.ts';
import { piecesOf, type Pieces } from './pieces.ts';
import { volumeConflicts } from './volume-conflicts.ts';
import { allOf, planFragments, type Additions, type Plan, type StatusNames } from '../../plan/plan.ts';
import { fitFragments } from '../../plan/pod-resources.ts';
import { type ProbeEdit } from '../../plan/probes.ts';
import { atLeastOne, reason, reasonsOf, type Reason } from '../../policy/reason.ts';
import { chooseSidecars, declareFragments, type DeclaredFragments } from '../../policy/selection.ts';
import { namespaceOf } from '../../namespace-facts.ts';
import { baseOf, type NamespaceFacts, type Snapshot } from '../../snapshot.ts';
import { withInjectionLabels } from '../../patch/injection-labels.ts';
import { proposalOf } from '../../patch/patch.ts';

/** Names of the requested sidecars: Istio's templates and declared templates. */
interface Wanted {
  readonly istio: readonly string[];
  readonly declared: readonly string[];
}

/** Returns the templates that the pod requests, else those of the settings. As in Istio, aliases are resolved once. */
export function wantedTemplates(view: PodView, snapshot: Snapshot): Wanted | { readonly problem: Problem } {
  const { values } = snapshot.settings.istiod;
  const { defaultTemplates, aliases = {} } = values.sidecarInjectorWebhook;
  const asked = stringMember(view.annotations, annotationNames.templates);
  const parsed = asked === undefined ? undefined : templateList.parse(asked);
  const where = annotationNames.templates;
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
  const { templates } = values.sidecarInjectorWebhook;
  const text = once.find((name) => Object.hasOwn(templates, name) && isTextTemplate(templates[name]));
  if (text !== undefined) {
    const message = `${quote(text)} is a text template with {{ in Istio’s values, which is not run; write a SidecarTemplate`;
    return { problem: { where, message } };
  }
  return {
    istio: once.filter((name) => istio.includes(name)),
    declared: once.filter((name) => !istio.includes(name)),
  };
}

function warningsAboutPrevious({ previous }: TemplateData): string[] {
  if (previous === undefined) return [];
  return previous.isReadable
    ? ['Istio’s injector has injected the pod before; its templates are laid over that']
    : [`annotation ${quote(statusAnnotation)} is not what an injector writes, and is replaced`];
}

/**
 * Returns warnings about the pod's profile, which has no effect unless the settings are hardened. A profile label of
 * the pod is then reported with its other labels and annotations without effect.
 */
function warningsAboutProfile(view: PodView, namespace: string, { settings }: Snapshot): string[] {
  const chosen = chooseProfile(settings.profiles, namespace, view.labels)?.name;
  if (settings.istiod.hardened) {
    const warning = profileWarning(view.labels, chosen, settings.profiles);
    return warning === undefined ? [] : [warning];
  }
  if (chosen === undefined || stringMember(view.labels, profileLabel) !== undefined) return [];
  return [`profile ${quote(chosen)} has no effect in the mode istiod without the setting istiod.hardened`];
}

/** Returns a reason if the pod would have no container left besides init containers and native sidecars. */
function emptiness({ containers }: RenderedPod): Reason[] {
  if (containers.length > 0) return [];
  return [reason('InvalidOverride', 'the pod has no container of its own beside the injected ones')];
}

/** Warnings about rewritten probes and hooks whose host Istio keeps, so that the kubelet asks that host for the agent's path. */
function warningsAboutHosts(edits: readonly ProbeEdit[]): string[] {
  return edits.flatMap(({ at, field, replacement }) => {
    const host = stringMember(replacement, 'host') || undefined;
    if (host === undefined) return [];
    return [`container ${quote(at.name)}: ${field} asks host ${quote(host)} and not the pod, now for the agent’s path`];
  });
}

/** Returns the rewrites of declared sidecars' probes; the agent answers them as it does the application's. */
function redirectedProbes(declared: DeclaredFragments, rendered: RenderedPod): ProbeEdit[] {
  return injectedContainers(declared.fragments.values()).flatMap((at) =>
    (rendered.edits.get(at.raw) ?? []).map((edit): ProbeEdit => ({ at, ...edit })),
  );
}

/**
 * Plans sleeps for application containers that keep their place. One that a template changes is replaced and gets none.
 */
function sleepsFor(view: PodView, namespace: string, { overrides }: Pieces, snapshot: Snapshot): SleepPlan {
  const seconds = drainSecondsOf(view, namespace, snapshot);
  const application = applicationContainers(view).filter(({ list }) => list === 'containers');
  const taken = new Set(overrides.map(({ raw }) => raw));
  const kept = application.filter(({ raw }) => !taken.has(raw));
  const plan = planSleeps(kept, seconds, terminationOf(view, snapshot));
  const changed = application.filter(({ raw }) => taken.has(raw));
  if (seconds === 0 || changed.length === 0) return plan;
  const which = changed.map(({ name }) => quote(name)).join(', ');
  const warning = `applicationDrainSeconds has no effect on ${which}, which a template of Istio’s changes`;
  return { ...plan, warnings: [...plan.warnings, warning] };
}

/** Returns what declared sidecars add besides Istio's templates. The last one that sets a key wins. */
function besideIstio({ fragments }: DeclaredFragments): Beside {
  const all = [...fragments.values()];
  return {
    containers: injectedContainers(all).map(({ raw }) => raw),
    labels: Object.assign({}, ...all.map(({ labels }) => labels)) as Beside['labels'],
    annotations: Object.assign({}, ...all.map(({ annotations }) => annotations)) as Beside['annotations'],
  };
}

/**
 * Returns the names of containers that are the pod's own, although they may be taken from their places. A copy of an
 * injected container is none of them, in whichever list it stands.
 */
function namesOfPod({ containers, view }: TemplateData, { template }: RenderedPod): ReadonlySet<string> {
  const injected = new Set([proxyName, ...template.initContainers]);
  const names = [...containers, ...view.initContainers].map((container) => stringMember(container, 'name') ?? '');
  return new Set(names.filter((name) => !injected.has(name)));
}

/**
 * Returns the names for the status: as in Istio's, those of the templates, then those of declared sidecars and of what
 * hardening adds. `fragment` has what the rendered pod adds, the pod's own moved objects among it.
 */
function statusNames(template: TemplateNames, fragment: Fragment, plan: Plan): StatusNames {
  const own = new Set(fragment.containers.map(({ container }) => container.name));
  const ownVolumes = new Set(fragment.volumes.map(({ name }) => name));
  const ownSecrets = new Set(fragment.imagePullSecrets);
  const names = (all: readonly string[], added: Additions, known: ReadonlySet<string>): string[] => [
    ...new Set([...all, ...allOf(added).flatMap(({ name }) => (known.has(name) ? [] : [name]))]),
  ];
  return {
    initContainers: names(template.initContainers, plan.containers.initContainers, own),
    containers: names(template.containers, plan.containers.containers, own),
    volumes: names(template.volumes, plan.volumes, ownVolumes),
    imagePullSecrets: names(template.imagePullSecrets, plan.imagePullSecrets, ownSecrets),
  };
}

/** Istio has no such thing, and this mode does what Istio does. */
function warningsAboutDefaults({ annotations }: Pick<NamespaceFacts, 'annotations'>): string[] {
  if (!Object.hasOwn(annotations, defaultsAnnotation)) return [];
  return [`namespace annotation ${quote(defaultsAnnotation)} has no effect in the mode istiod`];
}

/** Plans an injection in istiod mode, reproducing Istio's injector, for a pod without a status annotation of ours. */
export const proposeIstiodInjection: Flavour['inject'] = (view, request, snapshot, why) => {
  const wanted = wantedTemplates(view, snapshot);
  const unreadable = atLeastOne(
    reasonsOf('InvalidAnnotation', [
      ...annotationProblems(view),
      ...overridesProblems(view.annotations),
      ...('problem' in wanted ? [wanted.problem] : []),
    ]),
  );
  if (unreadable !== undefined || 'problem' in wanted) return { outcome: 'deny', reasons: unreadable ?? why };

  const { hardened } = snapshot.settings.istiod;
  const data = templateDataOf(view, request, snapshot);
  const situation = { namespace: request.namespace, owner: data.workload };
  const selection = chooseSidecars(wanted.declared, snapshot, situation);
  const declared = declareFragments(selection.chosen, view, request.namespace, data.native, snapshot);
  const rendered = renderPod(data, wanted.istio, besideIstio(declared));
  const application = namesOfPod(data, rendered);
  const warnings = [
    ...warningsAboutPrevious(data),
    ...warningsAboutProfile(view, request.namespace, snapshot),
    ...unknownKeys(view),
    ...warningsAboutDefaults(namespaceOf(request, snapshot)),
    ...annotationWarnings(view, hardened),
    ...rendered.warnings,
    ...declared.warnings,
  ];
  const refused = atLeastOne([
    ...reasonsOf('InvalidAnnotation', [...rendered.problems, ...userMountProblems(view, rendered)]),
    ...templateFaults(view, rendered, application),
    ...emptiness(rendered),
    ...volumeConflicts(view, rendered),
    ...(hardened
      ? [...hardeningReasons(data, rendered, application, snapshot), ...cappedReasons(view, request, snapshot)]
      : []),
    ...selection.problems,
    ...declared.problems,
  ]);
  if (refused !== undefined) return { outcome: 'deny', reasons: refused, warnings };

  const { fragment, ...pieces } = piecesOf(view, rendered, wanted.istio.join(','));
  const { patches } = baseOf(snapshot, request.namespace, view.labels);
  const finished = hardened ? harden(fragment, application, patches) : { fragment, misfits: [] };
  const misfits = atLeastOne(finished.misfits.map((text) => reason('ProfileMisfit', text)));
  if (misfits !== undefined) return { outcome: 'deny', reasons: misfits, warnings };
  const redirected = redirectedProbes(declared, rendered);
  // Their labels and annotations are in the rendered pod.
  const others = [...declared.fragments.values()].map((one): Fragment => ({
    ...withRedirects(one, redirected),
    labels: {},
    annotations: {},
  }));
  const fitted = fitFragments(view, [...others, finished.fragment], application, pieces.overrides);
  const fragments = [...fitted.fragments.slice(-1), ...fitted.fragments.slice(0, -1)];
  const sleeps = sleepsFor(view, request.namespace, { fragment, ...pieces }, snapshot);
  warnings.push(...warningsAboutHosts(pieces.edits), ...fitted.warnings, ...sleeps.warnings);
  const planned = planFragments(view, { fragments, ...pieces, redirected, sleeps: sleeps.edits });
  if ('conflicts' in planned) return { outcome: 'deny', reasons: planned.conflicts, warnings };
  const plan: Plan = {
    ...planned.plan,
    // Declared templates with their versions, so that reinvocation finds them.
    templates: [...wanted.istio, ...selection.chosen.keys()],
    overruled: true,
    revision: revisionOf(data.values),
    names: statusNames(rendered.template, fragment, planned.plan),
  };
  return proposalOf(view, withInjectionLabels(view, plan, data.native, request, snapshot), request, snapshot, {
    reasons: why,
    warnings: [...warnings, ...plan.warnings],
    added: addedBy(plan, data.native, undefined),
    capture: rendered.capture,
  });
};
