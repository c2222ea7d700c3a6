import type { Flavour } from '../flavour.ts';
import type { RememberedFragments } from '../../cache/fragments.ts';
import { beyondNodeAgent } from '../../../capture/node-agent-annotations.ts';
import type { Fragment } from '../../../sidecars/fragment.ts';
import { applicationContainers, type PodContainer } from '../../../pod/containers.ts';
import type { PodView } from '../../../pod/view.ts';
import { declaredPorts } from '../../../sidecars/standalone/declared-ports.ts';
import type { ProxyFragment } from '../../../sidecars/standalone/proxy.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import { namedWorkload, serviceOf } from '../../../pod/workload.ts';
import { hookPaths } from '../../../envoy/hooks.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import { ports } from '../../../pod/conventions.ts';
import { stringMember } from '../../../json/json.ts';
import { quote } from '../../../grammar/problem.ts';
import { addedBy } from '../../plan/added.ts';
import { warningsAboutAddresses } from '../../plan/client-addresses.ts';
import type { InjectionRequest } from '../../decision.ts';
import type { PreStopWaits } from '../../../envoy/intent.ts';
import { planSleeps, preStopWaits, terminationOf, type SleepPlan, type Termination } from '../../plan/prestop-sleep.ts';
import { validateInjection, type ValidatedPod } from './validation.ts';
import { injectedContainers, isInjected, withRedirects } from '../../plan/injected-probes.ts';

import { changedAnnotations } from '../../plan/pod-changes.ts';
import { planFragments } from '../../plan/plan.ts';
import { fitFragments } from '../../plan/pod-resources.ts';
import { planProbes, type ProbeEdit, type ProbePlan } from '../../plan/probes.ts';
import { warningsAboutClass } from '../../plan/service-class.ts';
import { startedBeforeProxy } from '../../plan/start-order.ts';
import { atLeastOne, reason, type Reason } from '../../policy/reason.ts';
import { viewEffective } from '../../../settings/effective-view.ts';
import type { PodSettings } from '../../../settings/effective.ts';
import type { Snapshot } from '../../snapshot.ts';
import { withInjectionLabels } from '../../patch/injection-labels.ts';
import { proposalOf } from '../../patch/patch.ts';

/**
 * Warns about pods that are meant to complete: a classic container never ends, and so neither does the pod, unless the
 * application ends the proxy.
 */
function warningsAboutCompletion(view: PodView, fragments: readonly Fragment[], quitHook: boolean): string[] {
  const policy = stringMember(view.spec, 'restartPolicy');
  if (policy === undefined || policy === 'Always') return [];
  const classic = fragments.filter(({ containers }) =>
    containers.some(({ placement }) => placement.list === 'containers'),
  );
  return classic.map(({ source }) => {
    const isProxy = source === builtInSidecar;
    const who = isProxy ? 'a classic proxy container' : `classic sidecar ${quote(source)}`;
    const way =
      isProxy && quitHook
        ? `, unless the application ends it by POST to 127.0.0.1:${ports.hooks}${hookPaths.quit}`
        : '; use a native sidecar';
    return `restartPolicy ${quote(policy)}: ${who} runs on, so the pod never completes${way}`;
  });
}

/** Returns the effective settings as an annotation if the pod asks for it. */
function shownSettings(effective: PodSettings): Record<string, string> {
  return effective.showSettings ? { [annotationNames.settings]: JSON.stringify(viewEffective(effective)) } : {};
}

/** Sets kubectl's default container, so that `logs` and `exec` keep addressing the application. */
function defaultContainer(view: PodView): Record<string, string> {
  const first = applicationContainers(view).find(({ list }) => list === 'containers');
  return first === undefined ? {} : { [annotationNames.defaultContainer]: first.name };
}

/** Containers whose probes and ports concern the proxy, and the plans for them. */
interface Surroundings {
  readonly containers: readonly PodContainer[];
  readonly probes: ProbePlan;
  readonly sleeps: SleepPlan;
  readonly end: Termination;
  readonly waits: PreStopWaits;
}

function surroundingsOf(
  view: PodView,
  { effective, withProxy, declared, chosen, native }: ValidatedPod,
  snapshot: Snapshot,
): Surroundings {
  const application = withProxy ? applicationContainers(view) : [];
  const containers = withProxy ? [...application, ...injectedContainers(declared.values())] : [];
  const end = terminationOf(view, snapshot);
  const { holdApplication } = effective.proxy;
  const before = startedBeforeProxy({ application, selected: chosen.keys(), declared, native, holdApplication });
  const sleeps = planSleeps(application, effective.proxy.applicationDrainSeconds, end);
  return {
    containers,
    probes: planProbes(containers, effective, {}, before),
    sleeps,
    end,
    waits: preStopWaits(containers, sleeps.edits),
  };
}

function proxyOf(
  view: PodView,
  request: InjectionRequest,
  remembered: RememberedFragments,
  { effective, native, identity, scrape }: ValidatedPod,
  { containers, probes, end, waits }: Surroundings,
): ProxyFragment {
  const workload = namedWorkload(view, request.workload, effective.workloadName);
  return remembered.fragmentOf({
    settings: effective,
    native,
    workload,
    service: serviceOf(view, workload),
    identity,
    ...end,
    waits,
    probes: probes.redirects,
    metricsTargets: scrape?.targets ?? [],
    probePorts: probes.exclude,
    ...declaredPorts(
      containers.map(({ raw }) => raw),
      probes.redirects,
    ),
  });
}

/** Returns the fragments of the sidecars for this pod in the order of selection. */
function fragmentsOf(
  view: PodView,
  { chosen, declared, effective, scrape }: ValidatedPod,
  proxy: ProxyFragment | undefined,
  redirected: readonly ProbeEdit[],
): Fragment[] {
  const own = { ...defaultContainer(view), ...shownSettings(effective), ...scrape?.annotations };
  return [...chosen.keys()].flatMap((name): Fragment[] => {
    if (name === builtInSidecar) {
      return proxy === undefined ? [] : [{ ...proxy, annotations: { ...proxy.annotations, ...own } }];
    }
    const fragment = declared.get(name);
    if (fragment === undefined) return [];
    return [redirected.length === 0 ? fragment : withRedirects(fragment, redirected)];
  });
}

/** Returns the reasons that are known only once the proxy of this pod has been built. */
function misfits({ misfits: patches, capture }: ProxyFragment, byNodeAgent: boolean): Reason[] {
  const beyond = capture === undefined || !byNodeAgent ? [] : beyondNodeAgent(capture);
  const untold = `a node agent captures here (capture.loadedBy), which cannot be told of ${beyond.join(', ')}; leave it out`;
  return [
    ...patches.map((text) => reason('ProfileMisfit', text)),
    ...(beyond.length > 0 ? [reason('InvalidAnnotation', untold)] : []),
  ];
}

/** Annotations that only the injector writes. */
const ours = [annotationNames.settings, annotationNames.bypassedInboundPorts] as const;

/** Plans the injection of a pod without a status annotation of ours: first all checks, then the plan. */
export const proposeInjection: Flavour['inject'] = (view, request, snapshot, why, remembered) => {
  const validated = validateInjection(view, request, snapshot);
  if ('outcome' in validated) return validated;
  const { effective, withProxy, native, scrape, overrides } = validated;
  const surroundings = surroundingsOf(view, validated, snapshot);
  const { probes, sleeps } = surroundings;
  const warnings = [...validated.warnings, ...probes.warnings, ...sleeps.warnings, ...(scrape?.warnings ?? [])];
  const byNodeAgent = effective.capture.loadedBy === 'node-agent';

  const proxy = withProxy ? proxyOf(view, request, remembered, validated, surroundings) : undefined;
  const refused = proxy === undefined ? undefined : atLeastOne(misfits(proxy, byNodeAgent));
  if (refused !== undefined) return { outcome: 'deny', reasons: refused, warnings };
  const redirected = probes.edits.filter(isInjected);
  const built = fragmentsOf(view, validated, proxy, redirected);
  // What a profile's patch has made of the resources fits no less.
  const { proxy: patches, init } = effective.patches;
  const isPatched = patches.length + init.length > 0;
  const fitted = isPatched ? fitFragments(view, built, new Set(), []) : { fragments: built, warnings: [] };
  const { fragments } = fitted;
  warnings.push(...fitted.warnings, ...warningsAboutCompletion(view, fragments, effective.proxy.quitHook));
  if (withProxy) warnings.push(...warningsAboutAddresses(view, effective));

  const shown = withProxy ? shownSettings(effective) : {};
  const changes = {
    ...changedAnnotations(view, { ...proxy?.annotations, ...shown, ...scrape?.annotations }),
    // Whoever reads them takes them for ours.
    removedAnnotations: [
      ...(scrape?.removed ?? []),
      ...ours.filter((name) => !(name in shown) && !(name in (proxy?.annotations ?? {}))),
    ],
  };
  const edits = probes.edits.filter((edit) => !isInjected(edit));
  const planned = planFragments(view, { fragments, overrides, edits, redirected, sleeps: sleeps.edits, changes });
  if ('conflicts' in planned) return { outcome: 'deny', reasons: planned.conflicts, warnings };
  const plan = withInjectionLabels(view, planned.plan, native, request, snapshot, effective.variant);
  return proposalOf(view, plan, request, snapshot, {
    reasons: why,
    warnings: [...warnings, ...planned.plan.warnings, ...warningsAboutClass(view, planned.plan)],
    added: addedBy(planned.plan, native, effective),
    capture: proxy?.capture,
    proxy,
  });
};
