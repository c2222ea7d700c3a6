import { beyondNodeAgent } from '../capture/node-agent-annotations.ts';
import type { Fragment } from '../sidecars/fragment.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import { declaredOpaquePorts } from '../sidecars/standalone/declared-ports.ts';
import type { ProxyFragment } from '../sidecars/standalone/proxy.ts';
import { builtInSidecar } from '../sidecars/template-library.ts';
import { namedWorkload, serviceOf, workloadOf } from '../sidecars/workload.ts';
import { hookPaths } from '../envoy/hooks.ts';
import { hasShell } from '../sidecars/standalone/proxy-container.ts';
import { names, ports } from '../settings/constants.ts';
import type { Effective } from '../settings/effective.ts';
import { stringMember } from '../settings/json.ts';
import { readPodSettings } from '../settings/pod-settings.ts';
import { describeProblem, quote } from '../settings/problem.ts';
import { gracePeriodOf, planSleeps } from './drain.ts';
import { addedBy } from './added.ts';
import { annotationsTooLarge } from './annotation-size.ts';
import { mountProblems, proxyConflicts } from './conflicts.ts';
import type { InjectionRequest } from './decision.ts';
import { checkOverride, identityOf, isInjectedName, overridesOf, type Override } from './override.ts';
import { injectedContainers, isInjected, withRedirects } from './injected-probes.ts';
import { writePatch } from './patch.ts';
import { changedAnnotations } from './pod-changes.ts';
import { planFragments } from './plan.ts';
import { fitPodResources } from './pod-resources.ts';
import { applicationContainers, planProbes } from './probes.ts';
import { profileRemark } from './profile-label.ts';
import { atLeastOne, type Proposal, type Reasons, type Refusal } from './proposal.ts';
import { reason, type Reason } from './reason.ts';
import { planScrape } from './scrape.ts';
import { statusAnnotation } from './record.ts';
import { chooseSidecars, declareFragments } from './selection.ts';
import { shownSettings } from './shown-settings.ts';
import { baseOf, type Snapshot } from './snapshot.ts';

function isNative(effective: Effective, snapshot: Snapshot, remarks: string[]): boolean {
  const setting = snapshot.settings.injection.nativeSidecars;
  const wanted = effective.nativeSidecar ?? (setting === 'auto' ? snapshot.nativeSidecars : setting === 'always');
  if (!wanted || snapshot.nativeSidecars) return wanted;
  remarks.push(
    'this cluster does not run native sidecars (Kubernetes 1.29 and later do); the sidecar is a classic container',
  );
  return false;
}

/** A classic container never ends, and with it no pod that is meant to end, unless the application ends the proxy. */
function remarksOnCompletion(view: PodView, fragments: readonly Fragment[], quitHook: boolean): string[] {
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

/** Hooks are commands, and a distroless image has nothing that could run them. */
function remarksOnImage({ proxy: { image, holdApplication } }: Effective, native: boolean): string[] {
  if (hasShell(image)) return [];
  const unheld = !native && holdApplication ? ' and the application does not wait for it' : '';
  return [
    `proxy image ${quote(image)} has no shell for hooks: inbound connections are not drained at its end${unheld}`,
  ];
}

function overrideProblems(
  overrides: readonly Override[],
  effective: Effective,
  snapshot: Snapshot,
  view: PodView,
): Reason[] {
  if (overrides.length === 0) return [];
  const { allowedImages } = snapshot.settings.proxy;
  const problems = overrides.flatMap((override) => {
    const image = override.container['name'] === names.initContainer ? effective.capture.image : effective.proxy.image;
    return checkOverride(override, image, allowedImages, effective.caps);
  });
  const found = problems.map((problem) => reason('InvalidOverride', describeProblem(problem)));
  if (view.containers.every((container) => isInjectedName(stringMember(container, 'name')))) {
    found.push(reason('InvalidOverride', 'the pod has no container of its own beside the injected ones'));
  }
  return found;
}

/** kubectl's default container, so that `logs` and `exec` keep going to the application. */
function defaultContainer(view: PodView): Record<string, string> {
  const name = view.containers.map((container) => stringMember(container, 'name')).find((own) => !isInjectedName(own));
  return name === undefined ? {} : { 'kubectl.kubernetes.io/default-container': name };
}

/** What is done to a pod that carries no status of ours: everything is checked first, then everything is planned. */
export function proposeInjection(
  view: PodView,
  request: InjectionRequest,
  snapshot: Snapshot,
  why: Reasons,
): Proposal | Refusal {
  const base = baseOf(snapshot, request.namespace, view.labels);
  const settings = readPodSettings(view, base, snapshot.settings.proxy.allowedImages);
  const fitted = fitPodResources(view, settings.effective);
  const { effective } = fitted;
  const found: Reason[] = settings.problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem)));
  // The owner itself, not the name that the pod gives its workload: nobody chooses their canary.
  const owner = request.workload ?? workloadOf(view);
  const selection = chooseSidecars(effective.templates, snapshot, { namespace: request.namespace, owner });
  found.push(...selection.problems);

  const withProxy = effective.templates.includes(builtInSidecar);
  const overrides = withProxy ? overridesOf(view) : [];
  const identity = identityOf(overrides.find((entry) => entry.container['name'] === names.proxyContainer)?.container);
  if (withProxy) {
    found.push(
      ...overrideProblems(overrides, effective, snapshot, view),
      ...proxyConflicts(view, effective, identity),
      ...mountProblems(view, effective),
    );
  }
  const scrape = withProxy ? planScrape(view.annotations, effective) : undefined;
  for (const problem of scrape?.problems ?? []) found.push(reason('InvalidAnnotation', describeProblem(problem)));
  const remarks = [...settings.remarks, ...(withProxy ? fitted.remarks : [])];
  const profile = profileRemark(view.labels, effective.profile, snapshot.settings.profiles);
  if (profile !== undefined) remarks.push(profile);
  const wantsNative = withProxy || [...selection.chosen.values()].some((template) => template?.spec.mode === 'native');
  const native = wantsNative && isNative(effective, snapshot, remarks);
  const declared = declareFragments(selection, view, request.namespace, native, snapshot);
  found.push(...declared.problems);
  remarks.push(...declared.remarks);
  const refused = atLeastOne(found);
  if (refused !== undefined) return { outcome: 'reject', reasons: refused, remarks };

  if (withProxy) remarks.push(...remarksOnImage(effective, native));
  const application = withProxy ? applicationContainers(view) : [];
  const beside = withProxy ? injectedContainers(declared.fragments.values()) : [];
  const probes = planProbes([...application, ...beside], effective, {});
  const gracePeriodSeconds = gracePeriodOf(view);
  const end = { gracePeriodSeconds, knowsSleep: snapshot.sleepHook };
  const sleeps = planSleeps(application, effective.proxy.applicationDrainSeconds, end);
  remarks.push(...probes.remarks, ...sleeps.remarks, ...(scrape?.remarks ?? []));
  const workload = namedWorkload(view, request.workload, effective.workloadName);
  const redirected = probes.edits.filter(isInjected);
  const byNodeAgent = effective.capture.loadedBy === 'node-agent';
  let proxy: ProxyFragment | undefined;
  const fragments = [...selection.chosen.keys()].flatMap((name): Fragment[] => {
    if (name !== builtInSidecar) {
      const fragment = declared.fragments.get(name);
      return fragment === undefined ? [] : [redirected.length === 0 ? fragment : withRedirects(fragment, redirected)];
    }
    proxy = snapshot.proxies.fragmentOf({
      effective,
      native,
      workload,
      service: serviceOf(view, workload),
      identity,
      gracePeriodSeconds,
      knowsSleep: snapshot.sleepHook,
      probes: probes.redirects,
      metricsTargets: scrape?.targets ?? [],
      probePorts: probes.exclude,
      opaqueInboundPorts: declaredOpaquePorts([...application, ...beside].map(({ container }) => container)),
    });
    return [
      {
        ...proxy,
        annotations: {
          ...proxy.annotations,
          ...defaultContainer(view),
          ...shownSettings(effective),
          ...scrape?.annotations,
        },
      },
    ];
  });
  const misfits = atLeastOne((proxy?.misfits ?? []).map((text) => reason('ProfileMisfit', text)));
  if (misfits !== undefined) return { outcome: 'reject', reasons: misfits, remarks };
  remarks.push(...remarksOnCompletion(view, fragments, effective.proxy.quitHook));
  const edits = probes.edits.filter((edit) => !isInjected(edit));
  const beyond = proxy?.capture === undefined || !byNodeAgent ? [] : beyondNodeAgent(proxy.capture);
  if (beyond.length > 0) {
    const message = `a node agent captures here (capture.loadedBy), which cannot be told of ${beyond.join(', ')}; leave it out`;
    return { outcome: 'reject', reasons: [reason('InvalidAnnotation', message)], remarks };
  }
  const changes = {
    ...changedAnnotations(view, { ...(byNodeAgent ? proxy?.annotations : {}), ...scrape?.annotations }),
    removedAnnotations: scrape?.removed ?? [],
  };
  const planned = planFragments(view, { fragments, overrides, edits, redirected, sleeps: sleeps.edits, changes });
  if ('conflicts' in planned) return { outcome: 'reject', reasons: planned.conflicts, remarks };
  remarks.push(...planned.plan.remarks);
  const written = writePatch(view, planned.plan, { settingsHash: snapshot.hash, version: snapshot.version });
  const tooLarge = annotationsTooLarge(view, { ...planned.plan.annotations, [statusAnnotation]: written.status });
  if (tooLarge !== undefined) return tooLarge;
  return {
    operations: written.operations,
    texts: planned.plan.texts,
    record: written.record,
    reasons: why,
    remarks,
    added: addedBy(planned.plan, native, effective),
    capture: proxy?.capture,
  };
}
