import { proxyFragment, type ProxyFragment, type ProxyInput } from '../sidecars/proxy.ts';
import type { Fragment } from '../sidecars/fragment.ts';
import { viewPod, type PodView } from '../sidecars/pod-view.ts';
import { workloadOf, type Workload } from '../sidecars/workload.ts';
import { names } from '../settings/constants.ts';
import type { Effective } from '../settings/effective.ts';
import { member, stringMember, type JsonObject } from '../settings/json.ts';
import { readPodSettings } from '../settings/pod-settings.ts';
import { describeProblem, quote } from '../settings/problem.ts';
import { didYouMean } from '../settings/suggestion.ts';
import { proxyConflicts, shapeProblems } from './conflicts.ts';
import type { Added, Decision } from './decision.ts';
import { checkOverride, identityWith, isInjectedName, type Override } from './override.ts';
import { writePatch } from './patch.ts';
import { planFragments, type Plan } from './plan.ts';
import { asksForInjection, decidePolicy } from './policy.ts';
import { planProbes, type ApplicationContainer } from './probes.ts';
import { isWorthTelling, reason, type Reason } from './reason.ts';
import { parseRecord, statusAnnotation, type Record as StatusRecord } from './record.ts';
import { reinject } from './reinjection.ts';
import { baseOf, builtInSidecar, type Snapshot } from './snapshot.ts';
import { applyAndVerify } from './verify.ts';

/** A pod that is about to be created. */
export interface InjectionRequest {
  /** Raw pod, `{metadata, spec}`; it is never copied. */
  readonly pod: JsonObject;
  /** Namespace of the request; the pod's own may be absent. */
  readonly namespace: string;
  /** Owner, when the caller knows it; otherwise it is read from the pod's owner references. */
  readonly workload?: Workload | undefined;
}

type Reasons = readonly [Reason, ...Reason[]];

const longestWarning = 256;

function warning(text: string): string {
  const line = `sidecar-injector: ${text}`.replaceAll(/\p{Cc}+/gu, ' ');
  return line.length > longestWarning ? `${line.slice(0, longestWarning - 1)}…` : line;
}

function withoutPatch(outcome: 'skip' | 'reject', found: Reasons, view: PodView, snapshot: Snapshot): Decision {
  const asked = asksForInjection(view);
  const told = outcome === 'skip' ? found.filter(({ code }) => isWorthTelling(code, asked)) : [];
  return {
    outcome,
    reasons: found,
    warnings: told.map(({ message }) => warning(`not injected: ${message}`)),
    operations: [],
    patch: '',
    added: undefined,
    capture: undefined,
    settingsHash: snapshot.hash,
  };
}

function atLeastOne(reasons: readonly Reason[]): Reasons | undefined {
  const [first, ...rest] = reasons;
  return first === undefined ? undefined : [first, ...rest];
}

function overridesOf(view: PodView): Override[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    view[list].flatMap((container, index) =>
      isInjectedName(stringMember(container, 'name')) ? [{ list, index, container }] : [],
    ),
  );
}

function applicationContainers(view: PodView): ApplicationContainer[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    view[list].flatMap((container, index) =>
      isInjectedName(stringMember(container, 'name')) ? [] : [{ list, index, container }],
    ),
  );
}

function isNative(effective: Effective, snapshot: Snapshot, remarks: string[]): boolean {
  const setting = snapshot.settings.injection.nativeSidecars;
  const wanted = effective.nativeSidecar ?? (setting === 'auto' ? snapshot.nativeSidecars : setting === 'always');
  if (wanted && !snapshot.nativeSidecars) {
    remarks.push(
      'this cluster does not run native sidecars (Kubernetes 1.29 and later do); the proxy is a classic container',
    );
    return false;
  }
  return wanted;
}

function unknownTemplates(effective: Effective, snapshot: Snapshot): Reason[] {
  const known = [builtInSidecar, ...snapshot.templates.keys()];
  return effective.templates
    .filter((name) => !known.includes(name))
    .map((name) =>
      reason(
        'UnknownTemplate',
        `inject.istio.io/templates: ${quote(name)} is not a known sidecar${didYouMean(name, known)}; known: ${known.join(', ')}`,
      ),
    );
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
    return checkOverride(override, image, allowedImages);
  });
  const found = problems.map((problem) => reason('InvalidOverride', describeProblem(problem)));
  if (view.containers.every((container) => isInjectedName(stringMember(container, 'name')))) {
    found.push(reason('InvalidOverride', 'the pod has no container of its own beside the injected ones'));
  }
  return found;
}

function summarise(plan: Plan, native: boolean, effective: Effective): Added {
  const list = (name: 'initContainers' | 'containers') => [
    ...plan.containers[name].first,
    ...plan.containers[name].last,
  ];
  return {
    initContainers: list('initContainers'),
    containers: list('containers'),
    volumes: plan.volumes,
    imagePullSecrets: plan.imagePullSecrets,
    probes: plan.edits.map((edit) => `${stringMember(edit.at.container, 'name') ?? ''} ${edit.field}`),
    templates: plan.templates,
    native,
    profile: effective.profile,
  };
}

/** kubectl's default container, so that `logs` and `exec` keep going to the application. */
function defaultContainer(view: PodView): Record<string, string> {
  const name = view.containers.map((container) => stringMember(container, 'name')).find((own) => !isInjectedName(own));
  return name === undefined ? {} : { 'kubectl.kubernetes.io/default-container': name };
}

/** Kubernetes' bound of all annotations of an object (apimachinery `TotalAnnotationSizeLimitB`). */
const annotationLimitBytes = 256 * 1024;

function annotationBytes(entries: Iterable<readonly [string, unknown]>): number {
  const encoder = new TextEncoder();
  let total = 0;
  for (const [key, value] of entries) {
    const text = typeof value === 'string' ? value : '';
    // Three bytes a UTF-16 unit is the worst case; most pods end here without any encoding.
    total += text.length * 3 < 4096 ? text.length * 3 : encoder.encode(text).length;
    total += key.length;
  }
  return total;
}

function exceedsAnnotationLimit(view: PodView, status: string): boolean {
  if (view.annotations === undefined) return false;
  return annotationBytes([...Object.entries(view.annotations), [statusAnnotation, status]]) > annotationLimitBytes;
}

function injectFresh(view: PodView, request: InjectionRequest, snapshot: Snapshot, why: Reasons): Decision {
  const base = baseOf(snapshot, request.namespace, view.labels);
  const settings = readPodSettings(view.annotations, base, snapshot.settings.proxy.allowedImages);
  const { effective } = settings;
  const remarks = [...settings.remarks];
  const found: Reason[] = settings.problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem)));
  found.push(...unknownTemplates(effective, snapshot));

  const withProxy = effective.templates.includes(builtInSidecar);
  const overrides = withProxy ? overridesOf(view) : [];
  const identity = identityWith(overrides.find((entry) => entry.container['name'] === names.proxyContainer));
  if (withProxy) {
    found.push(...overrideProblems(overrides, effective, snapshot, view));
    found.push(...proxyConflicts(view, effective, identity));
  }
  const refused = atLeastOne(found);
  if (refused !== undefined) return withoutPatch('reject', refused, view, snapshot);

  const native = isNative(effective, snapshot, remarks);
  const probes = planProbes(withProxy ? applicationContainers(view) : [], effective, {});
  remarks.push(...probes.remarks);
  let proxy: ProxyFragment | undefined;
  const fragments = effective.templates.flatMap((name): Fragment[] => {
    if (name !== builtInSidecar) {
      const declared = snapshot.templates.get(name);
      return declared === undefined ? [] : [declared];
    }
    const input: ProxyInput = {
      effective,
      native,
      workload: request.workload ?? workloadOf(view),
      identity,
      probes: probes.redirects,
      probePorts: probes.exclude,
    };
    proxy = proxyFragment(input);
    return [{ ...proxy, annotations: defaultContainer(view) }];
  });
  const planned = planFragments(view, fragments, overrides, probes.edits);
  if ('conflicts' in planned) return withoutPatch('reject', planned.conflicts, view, snapshot);
  const written = writePatch(view, planned.plan, { settingsHash: snapshot.hash, version: snapshot.version });
  if (exceedsAnnotationLimit(view, written.status)) {
    const message = `with ${statusAnnotation} the pod's annotations would exceed ${annotationLimitBytes} bytes; make them smaller`;
    return withoutPatch('reject', [reason('AnnotationsTooLarge', message)], view, snapshot);
  }
  return verified(request.pod, snapshot, written.record, {
    outcome: 'inject',
    reasons: why,
    warnings: remarks.map(warning),
    operations: written.operations,
    patch: JSON.stringify(written.operations),
    added: summarise(planned.plan, native, effective),
    capture: proxy?.capture,
    settingsHash: snapshot.hash,
  });
}

function verified(pod: JsonObject, snapshot: Snapshot, record: StatusRecord, decision: Decision): Decision {
  const violations = applyAndVerify(pod, decision.operations, record);
  if (violations.length === 0) return decision;
  const outcome = snapshot.settings.injection.onInvalidPatch === 'deny' ? 'reject' : 'skip';
  const message = `the patch failed its own verification, please report it: ${violations.join('; ')}`;
  return withoutPatch(outcome, [reason('InvalidPatch', message)], viewPod(pod), snapshot);
}

function injectAgain(view: PodView, record: StatusRecord, request: InjectionRequest, snapshot: Snapshot): Decision {
  const present = (list: 'initContainers' | 'containers'): readonly string[] =>
    view[list].map((container) => stringMember(container, 'name') ?? '');
  const missing = (['initContainers', 'containers'] as const).flatMap((list) =>
    record[list].filter((name) => !present(list).includes(name)),
  );
  if (missing.length > 0) {
    const message = `${statusAnnotation} says that ${missing.map(quote).join(', ')} was injected, but it is not there; take the annotation out, or run \`sidecar-injector uninject\``;
    return withoutPatch('reject', [reason('IncompleteInjection', message)], view, snapshot);
  }
  if (record.settingsHash !== snapshot.hash) {
    const message = `injected with the settings ${record.settingsHash}, now they are ${snapshot.hash}; left alone`;
    return withoutPatch('skip', [reason('OtherSettings', message)], view, snapshot);
  }
  const again = reinject({
    view,
    record,
    base: baseOf(snapshot, request.namespace, view.labels),
    allowedImages: snapshot.settings.proxy.allowedImages,
    workload: request.workload ?? workloadOf(view),
    containers: applicationContainers(view),
  });
  if ('problems' in again) {
    const problems = atLeastOne(again.problems.map((problem) => reason('InvalidAnnotation', describeProblem(problem))));
    if (problems !== undefined) return withoutPatch('reject', problems, view, snapshot);
  }
  if ('problems' in again || again.operations.length === 0) {
    return withoutPatch('skip', [reason('AlreadyInjected', 'everything is there already')], view, snapshot);
  }
  const message = `injected before; the probes of ${again.containers.map(quote).join(', ')} were added`;
  return verified(request.pod, snapshot, again.record, {
    outcome: 'inject',
    reasons: [reason('ProbesAdded', message)],
    warnings: again.remarks.map(warning),
    operations: again.operations,
    patch: JSON.stringify(again.operations),
    added: undefined,
    capture: again.capture,
    settingsHash: snapshot.hash,
  });
}

/**
 * Decides about one pod: policy, plan, patch, verification. No I/O, no clock; the same request and snapshot give the
 * same decision. The pod is CONSUMED: after an injection it holds the result, because the verification applies the
 * patch in place. Callers that need it unchanged pass a copy.
 */
export function decideInPlace(request: InjectionRequest, snapshot: Snapshot): Decision {
  const view = viewPod(request.pod);
  const policy = decidePolicy(view, request.namespace, snapshot.settings);
  if (policy.outcome !== 'inject') return withoutPatch(policy.outcome, policy.reasons, view, snapshot);
  const wrong = atLeastOne(shapeProblems(view));
  if (wrong !== undefined) return withoutPatch('reject', wrong, view, snapshot);
  const status = view.annotations === undefined ? undefined : member(view.annotations, statusAnnotation);
  const record = status === undefined ? undefined : parseRecord(status);
  return record === undefined
    ? injectFresh(view, request, snapshot, policy.reasons)
    : injectAgain(view, record, request, snapshot);
}

/** The same, on a copy of the pod: the caller's object stays as it is. */
export function decide(request: InjectionRequest, snapshot: Snapshot): Decision {
  return decideInPlace({ ...request, pod: structuredClone(request.pod) }, snapshot);
}
