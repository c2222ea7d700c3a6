import type { Flavour } from '../flavour.ts';
import { captureIntent } from '../../../sidecars/standalone/capture-intent.ts';
import type { PodView } from '../../../pod/view.ts';
import { declaredPorts } from '../../../sidecars/standalone/declared-ports.ts';
import { captureRuleVariables } from '../../../sidecars/standalone/init-container.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import { proxyAnnotations } from '../../../sidecars/standalone/proxy.ts';
import { proxyArguments } from '../../../sidecars/standalone/proxy-container.ts';
import { namedWorkload, serviceOf } from '../../../pod/workload.ts';
import type { CaptureIntent } from '../../../capture/intent.ts';
import { names } from '../../../pod/conventions.ts';
import type { PodSettings } from '../../../settings/effective.ts';
import { member, objectsMember, stringMember } from '../../../json/json.ts';
import { settingsOf } from '../../namespace-defaults.ts';
import type { InjectionRequest } from '../../decision.ts';
import { planSleeps, preStopWaits, sleepOperation, terminationOf, type SleepPlan } from '../../plan/prestop-sleep.ts';
import { applicationContainers, containersOf, pointerOf, type PodContainer } from '../../../pod/containers.ts';
import { applicationOf, recordEdits, unchanged, wordsFor } from '../reinvocation.ts';
import { laterEdits, recordedFragments } from '../later-edits.ts';
import { escapeToken, type Operation } from '../../../json/operation.ts';
import { identityOf } from '../../plan/override.ts';
import { additionOperations, editOperations } from '../../patch/patch.ts';
import { withResourcesOf } from '../../plan/pod-resources.ts';
import { planProbes, type ProbePlan } from '../../plan/probes.ts';
import { atLeastOne, reason, reasonsOf } from '../../policy/reason.ts';
import { foreignImages, misfitSidecars, strangersIn } from '../../policy/status-fit.ts';
import { fixedCaptureProblems } from '../../plan/fixed-capture.ts';
import { planScrape } from '../../plan/scrape.ts';
import { standingBeforeProxy } from '../../plan/start-order.ts';
import { type Snapshot } from '../../snapshot.ts';
import type { InjectionStatus } from '../../patch/status.ts';

/** Replaces the bootstrap in the arguments of the proxy. Other changes that others have made to the container stay. */
function bootstrapOperation(own: PodContainer, args: readonly string[]): Operation[] {
  const present = member(own.raw, 'args');
  const at = Array.isArray(present) ? present.indexOf('--config-yaml') : -1;
  const bootstrap = args[args.indexOf('--config-yaml') + 1];
  if (at < 0 || bootstrap === undefined || !Array.isArray(present) || present[at + 1] === bootstrap) return [];
  return [{ op: 'replace', path: `${pointerOf(own)}/args/${at + 1}`, value: bootstrap }];
}

function ruleOperations(own: PodContainer, effective: PodSettings, intent: CaptureIntent): Operation[] {
  const env = objectsMember(own.raw, 'env');
  return captureRuleVariables(effective.capture, intent).flatMap(({ name, value }): Operation[] => {
    const index = env.findIndex((entry) => stringMember(entry, 'name') === name);
    if (index < 0 || stringMember(env[index], 'value') === value) return [];
    return [{ op: 'replace', path: `${pointerOf(own)}/env/${index}/value`, value }];
  });
}

/** Annotations for others than the proxy, which the capture is told by. The status annotation is there, so the map is. */
function annotationOperations(
  { annotations }: PodView,
  wanted: Readonly<Record<string, string>>,
): Pick<ProxyChanges, 'operations' | 'annotations'> {
  const changed = Object.entries(wanted).filter(([name, value]) => stringMember(annotations, name) !== value);
  return {
    operations: changed.map(([name, value]) => ({
      op: 'add',
      path: `/metadata/annotations/${escapeToken(name)}`,
      value,
    })),
    annotations: changed.flatMap(([name]) => (member(annotations, name) === undefined ? [name] : [])),
  };
}

/** Changes to the proxy for containers added since the injection. */
interface ProxyChanges {
  readonly operations: readonly Operation[];
  readonly probes: ProbePlan;
  readonly sleeps: SleepPlan;
  readonly capture: CaptureIntent | undefined;
  /** Annotations that the pod did not have. */
  readonly annotations: readonly string[];
}

const withoutProxy: ProxyChanges = {
  operations: [],
  probes: { redirects: [], edits: [], exclude: [], warnings: [] },
  sleeps: { edits: [], warnings: [] },
  capture: undefined,
  annotations: [],
};

function changesForProxy(
  view: PodView,
  proxy: PodContainer,
  record: InjectionStatus,
  effective: PodSettings,
  request: InjectionRequest,
  snapshot: Snapshot,
): ProxyChanges {
  const application = applicationContainers(view);
  const probes = planProbes(application, effective, record.undo.probes, standingBeforeProxy(containersOf(view)));
  const declared = declaredPorts(
    application.map(({ raw }) => raw),
    probes.redirects,
  );
  const declaredCount = declared.httpInboundPorts.length + declared.opaqueInboundPorts.length;
  const end = terminationOf(view, snapshot);
  const sleeps = planSleeps(applicationOf(view, record), effective.proxy.applicationDrainSeconds, end);
  const found = probes.edits.length + sleeps.edits.length + probes.exclude.length + declaredCount;
  if (found === 0) return { ...withoutProxy, probes, sleeps };

  const identity = identityOf(proxy.raw);
  const capture = captureIntent(effective, identity, probes.exclude);
  const init = containersOf(view).find(({ name }) => name === names.initContainer);
  const workload = namedWorkload(view, request.workload, effective.workloadName);
  const args = proxyArguments({
    settings: withResourcesOf(effective, proxy.raw),
    workload,
    service: serviceOf(view, workload),
    metricsTargets: planScrape(view.annotations, effective, record.undo).targets,
    probes: probes.redirects,
    ...declared,
    gracePeriodSeconds: end.gracePeriodSeconds,
    waits: preStopWaits(application, sleeps.edits),
  });
  // Without excluded ports nothing that annotations tell has changed.
  const told = probes.exclude.length === 0 ? {} : proxyAnnotations(effective, capture, probes.exclude);
  const changed = annotationOperations(view, told);
  const operations: Operation[] = [
    ...probes.edits.flatMap(editOperations),
    ...sleeps.edits.map(sleepOperation),
    ...(probes.edits.length + declaredCount > 0 ? bootstrapOperation(proxy, args) : []),
    ...(init === undefined || capture === undefined ? [] : ruleOperations(init, effective, capture)),
    ...changed.operations,
  ];
  return { operations, probes, sleeps, capture, annotations: changed.annotations };
}

/**
 * Plans the changes to a pod that has our status annotation and all our containers. Only what containers added since
 * the injection need is changed: their probes, declared ports and hooks, and what sidecars add to every container.
 * Everything else stays, because other webhooks and the API server's admission plug-ins may have changed it.
 */
export const proposeReinvocation: Flavour['reinvoke'] = (view, record, request, snapshot) => {
  const { base, effective, problems } = settingsOf(view, request, snapshot);
  const proxy = containersOf(view).find(({ name }) => name === names.proxyContainer);
  const fixedCapture = fixedCaptureProblems(view, {
    base,
    effective,
    identity: identityOf(proxy?.raw),
    containers: applicationContainers(view),
    recordedProbes: record.undo.probes,
    startedBefore: () => standingBeforeProxy(containersOf(view)),
  });
  const refused = atLeastOne(reasonsOf('InvalidAnnotation', [...problems, ...fixedCapture]));
  if (refused !== undefined) return { outcome: 'deny', reasons: refused };
  const fragments = recordedFragments(view, record, snapshot);
  const misfits = atLeastOne([
    ...misfitSidecars(record, effective.templates, [builtInSidecar], request.namespace, snapshot),
    ...strangersIn(view, record, fragments),
  ]);
  if (misfits !== undefined) return { outcome: 'deny', reasons: misfits };
  const images = foreignImages(view, record, effective, fragments, snapshot.settings.proxy.allowedImages);
  const later = laterEdits(view, record, fragments);
  const { probes, sleeps, capture, annotations, ...forProxy } =
    proxy === undefined ? withoutProxy : changesForProxy(view, proxy, record, effective, request, snapshot);
  const operations = [...later.flatMap(additionOperations), ...forProxy.operations];
  if (operations.length === 0) return unchanged(images);
  const edits = [...probes.edits, ...sleeps.edits, ...later];
  const recorded =
    edits.length + annotations.length === 0
      ? undefined
      : recordEdits(view, record, { probes: probes.edits, sleeps: sleeps.edits, lists: later, annotations });
  if (recorded !== undefined && 'outcome' in recorded) return recorded;
  return {
    operations: recorded === undefined ? operations : [...operations, recorded.operation],
    record: recorded?.record ?? record,
    reasons: [reason('ProbesAdded', `injected before; ${wordsFor(edits, probes)}`), ...images],
    warnings: [...probes.warnings, ...sleeps.warnings],
    added: undefined,
    capture,
  };
};
