import { captureIntent } from '../../../sidecars/standalone/capture-intent.ts';
import type { PodView } from '../../../pod/view.ts';
import { declaredOpaquePorts } from '../../../sidecars/standalone/declared-ports.ts';
import { captureRuleVariables } from '../../../sidecars/standalone/init-container.ts';
import { proxyArguments } from '../../../sidecars/standalone/proxy-container.ts';
import { namedWorkload, serviceOf } from '../../../pod/workload.ts';
import type { CaptureIntent } from '../../../capture/intent.ts';
import { names } from '../../../pod/conventions.ts';
import type { Effective } from '../../../settings/effective.ts';
import { member, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { readPodSettings } from '../../../settings/pod-settings.ts';
import { describeProblem, quote } from '../../../grammar/problem.ts';
import type { InjectionRequest } from '../../decision.ts';
import { drainSecondsOf, endOf, planSleeps, recordedSleeps, sleepOperation, type SleepPlan } from '../../plan/drain.ts';
import { recordEdits } from '../../patch/edit-record.ts';
import { wantedTemplates } from '../istio/inject.ts';
import { planAddedProbes } from '../istio/added-probes.ts';
import { laterEdits, recordedFragments } from '../later-edits.ts';
import type { Operation } from '../../../json/operation.ts';
import { identityOf } from '../../plan/override.ts';
import { additionOperations, editOperations, originalActions, recordedEdit } from '../../patch/patch.ts';
import { applicationContainers, planProbes, type ApplicationContainer, type ProbePlan } from '../../plan/probes.ts';
import { atLeastOne, type Proposal, type Refusal } from '../../patch/proposal.ts';
import { reason, type Reason } from '../../policy/reason.ts';
import { damagedStatus, foreignImages, misfitOf, misfitSidecars, strangersIn } from '../../policy/record-fit.ts';
import { planScrape } from '../../plan/scrape.ts';
import { baseOf, type Snapshot } from '../../snapshot.ts';
import type { ContainerList, Record as StatusRecord } from '../../patch/record.ts';

interface Place {
  readonly pointer: string;
  readonly container: JsonObject;
}

function find(view: PodView, name: string): Place | undefined {
  for (const list of ['initContainers', 'containers'] as const satisfies readonly ContainerList[]) {
    const index = view[list].findIndex((container) => stringMember(container, 'name') === name);
    const container = view[list][index];
    if (container !== undefined) return { pointer: `/spec/${list}/${index}`, container };
  }
  return undefined;
}

/** Replaces the bootstrap inside the arguments; whatever else others changed in our container stays. */
function bootstrapOperation(place: Place, args: readonly string[]): Operation[] {
  const present = member(place.container, 'args');
  const at = Array.isArray(present) ? present.indexOf('--config-yaml') : -1;
  const bootstrap = args[args.indexOf('--config-yaml') + 1];
  if (at < 0 || bootstrap === undefined || !Array.isArray(present) || present[at + 1] === bootstrap) return [];
  return [{ op: 'replace', path: `${place.pointer}/args/${at + 1}`, value: bootstrap }];
}

function ruleOperations(place: Place, effective: Effective, intent: CaptureIntent): Operation[] {
  const env = objectsMember(place.container, 'env');
  return captureRuleVariables(effective.capture, intent).flatMap(({ name, value }): Operation[] => {
    const index = env.findIndex((entry) => stringMember(entry, 'name') === name);
    if (index < 0 || stringMember(env[index], 'value') === value) return [];
    return [{ op: 'replace', path: `${place.pointer}/env/${index}/value`, value }];
  });
}

function unchanged(more: readonly Reason[] = []): Refusal {
  return { outcome: 'skip', reasons: [reason('AlreadyInjected', 'everything is there already'), ...more] };
}

/** Containers of the pod that the record does not name. */
function addedSince(view: PodView, record: StatusRecord): ApplicationContainer[] {
  const known = { initContainers: new Set(record.initContainers), containers: new Set(record.containers) };
  return applicationContainers(view).filter(
    ({ list, container }) => !known[list].has(stringMember(container, 'name') ?? ''),
  );
}

function proposeIstiod(
  view: PodView,
  record: StatusRecord,
  request: InjectionRequest,
  snapshot: Snapshot,
): Proposal | Refusal {
  const wanted = wantedTemplates(view, snapshot);
  const misfits = atLeastOne(
    'problem' in wanted
      ? [reason('InvalidAnnotation', describeProblem(wanted.problem))]
      : misfitSidecars(record, [...wanted.istio, ...wanted.declared], request.namespace, snapshot),
  );
  if (misfits !== undefined) return { outcome: 'reject', reasons: misfits };
  const later = laterEdits(view, record, recordedFragments(view, record, snapshot));
  const proxy = find(view, names.proxyContainer);
  const own = addedSince(view, record);
  const { edits, operations } =
    proxy === undefined ? { edits: [], operations: [] } : planAddedProbes(view, own, proxy, snapshot);
  const sleeps = planSleeps(own, drainSecondsOf(view, request.namespace, snapshot), endOf(view, snapshot));
  const touched = [...edits, ...later, ...sleeps.edits];
  if (touched.length === 0) return unchanged();
  const recorded = recordEdits(view, record, {
    probes: originalActions(edits),
    sleeps: recordedSleeps(sleeps.edits),
    edits: later.map(recordedEdit),
  });
  if ('outcome' in recorded) return recorded;
  return {
    operations: [
      ...later.flatMap(additionOperations),
      ...operations,
      ...sleeps.edits.map(sleepOperation),
      recorded.operation,
    ],
    record: recorded.record,
    reasons: [reason('ProbesAdded', `injected before; ${wordsFor(touched)}`)],
    remarks: sleeps.remarks,
    added: undefined,
    capture: undefined,
  };
}

/** What the proxy has to do with containers that were added since. */
interface ProxyChanges {
  readonly operations: readonly Operation[];
  readonly probes: ProbePlan;
  readonly sleeps: SleepPlan;
  readonly capture: CaptureIntent | undefined;
}

const withoutProxy: ProxyChanges = {
  operations: [],
  probes: { redirects: [], edits: [], exclude: [], remarks: [] },
  sleeps: { edits: [], remarks: [] },
  capture: undefined,
};

function changesForProxy(
  view: PodView,
  proxy: Place,
  record: StatusRecord,
  effective: Effective,
  request: InjectionRequest,
  snapshot: Snapshot,
): ProxyChanges {
  const application = applicationContainers(view);
  const probes = planProbes(application, effective, record.undo.probes);
  const opaqueInboundPorts = declaredOpaquePorts(application.map(({ container }) => container));
  const sleeps = planSleeps(addedSince(view, record), effective.proxy.applicationDrainSeconds, endOf(view, snapshot));
  const found = probes.edits.length + sleeps.edits.length + probes.exclude.length + opaqueInboundPorts.length;
  if (found === 0) return { operations: [], probes, sleeps, capture: undefined };

  const identity = identityOf(proxy.container);
  const capture = captureIntent(effective, identity, probes.exclude);
  const init = find(view, names.initContainer);
  const workload = namedWorkload(view, request.workload, effective.workloadName);
  const args = proxyArguments({
    effective,
    workload,
    service: serviceOf(view, workload),
    metricsTargets: planScrape(view.annotations, effective, record.undo).targets,
    probes: probes.redirects,
    opaqueInboundPorts,
  });
  const operations: Operation[] = [
    ...probes.edits.flatMap(editOperations),
    ...sleeps.edits.map(sleepOperation),
    ...(probes.edits.length + opaqueInboundPorts.length > 0 ? bootstrapOperation(proxy, args) : []),
    ...(init === undefined || capture === undefined ? [] : ruleOperations(init, effective, capture)),
  ];
  return { operations, probes, sleeps, capture };
}

function wordsFor(edits: readonly { readonly at: ApplicationContainer }[], probes?: ProbePlan): string {
  const touched = new Set(edits.map(({ at }) => stringMember(at.container, 'name') ?? ''));
  if (touched.size > 0) return `what ${[...touched].map(quote).join(', ')} needs was added`;
  return probes !== undefined && probes.exclude.length > 0
    ? 'their probe ports were excluded from capture'
    : 'the proxy was told of their ports without HTTP';
}

/**
 * What is done to a pod that carries our status and all our containers: only what containers added since need, that is
 * their probes, their declared ports, their hooks, and what sidecars give every container. Everything else stays, because
 * other webhooks and the API server's own plug-ins may have changed it.
 */
export function proposeReinjection(
  view: PodView,
  record: StatusRecord,
  request: InjectionRequest,
  snapshot: Snapshot,
): Proposal | Refusal {
  const misfit = misfitOf(view, record);
  if (misfit !== undefined) return { outcome: 'reject', reasons: [damagedStatus(misfit)] };
  if (record.settingsHash !== snapshot.hash) {
    const message = `injected with the settings ${quote(record.settingsHash)}, now they are ${snapshot.hash}; left alone`;
    return { outcome: 'skip', reasons: [reason('OtherSettings', message)] };
  }
  if (snapshot.settings.mode === 'istiod') return proposeIstiod(view, record, request, snapshot);
  const base = baseOf(snapshot, request.namespace, view.labels);
  const { effective, problems } = readPodSettings(view, base, snapshot.settings.proxy.allowedImages);
  const refused = atLeastOne(problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem))));
  if (refused !== undefined) return { outcome: 'reject', reasons: refused };
  const fragments = recordedFragments(view, record, snapshot);
  const misfits = atLeastOne([
    ...misfitSidecars(record, effective.templates, request.namespace, snapshot),
    ...strangersIn(view, record, fragments),
  ]);
  if (misfits !== undefined) return { outcome: 'reject', reasons: misfits };
  const images = foreignImages(view, record, effective, fragments, snapshot.settings.proxy.allowedImages);
  const later = laterEdits(view, record, fragments);
  const proxy = find(view, names.proxyContainer);
  const { probes, sleeps, capture, ...forProxy } =
    proxy === undefined ? withoutProxy : changesForProxy(view, proxy, record, effective, request, snapshot);
  const operations = [...later.flatMap(additionOperations), ...forProxy.operations];
  if (operations.length === 0) return unchanged(images);
  const edits = [...probes.edits, ...sleeps.edits, ...later];
  const recorded =
    edits.length === 0
      ? undefined
      : recordEdits(view, record, {
          probes: originalActions(probes.edits),
          sleeps: recordedSleeps(sleeps.edits),
          edits: later.map(recordedEdit),
        });
  if (recorded !== undefined && 'outcome' in recorded) return recorded;
  return {
    operations: recorded === undefined ? operations : [...operations, recorded.operation],
    record: recorded?.record ?? record,
    reasons: [reason('ProbesAdded', `injected before; ${wordsFor(edits, probes)}`), ...images],
    remarks: [...probes.remarks, ...sleeps.remarks, ...images.map(({ message }) => message)],
    added: undefined,
    capture,
  };
}
