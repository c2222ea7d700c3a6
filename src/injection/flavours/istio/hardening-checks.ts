import { captureOf } from '../../../istio/templates/capture.ts';
import { proxyImage } from '../../../istio/templates/images.ts';
import type { RenderedPod } from '../../../istio/templates/render.ts';
import {
  identityOf,
  interceptionModeOf,
  statusPortOf,
  type TemplateData,
} from '../../../istio/templates/template-data.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import { annotationTable } from '../../../settings/annotation-table.ts';
import { draftOf, type PodSettings } from '../../../settings/effective.ts';
import { member, objectMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { checkAgainstCaps, isAllowedImage } from '../../../settings/pod-checks.ts';
import { quote, type Problem } from '../../../grammar/problem.ts';
import type { PodView } from '../../../pod/view.ts';
import { proxyConflicts } from '../../plan/conflicts.ts';
import type { InjectionRequest } from '../../decision.ts';
import { templateDataOf } from './data.ts';
import { containersOf, isInjectedName } from '../../../pod/containers.ts';
import { captureChanges } from '../../plan/fixed-capture.ts';
import { checkOverride, noIds } from '../../plan/override-check.ts';
import { reason, reasonsOf, type Reason } from '../../policy/reason.ts';
import { baseOf, type Snapshot } from '../../snapshot.ts';

/**
 * With hardened settings, checks overrides, images and conflicts with the proxy as in standalone mode.
 *
 * @param application names of containers that are the pod's own
 */
export function hardeningReasons(
  data: TemplateData,
  rendered: RenderedPod,
  application: ReadonlySet<string>,
  snapshot: Snapshot,
): Reason[] {
  const { proxy } = snapshot.settings;
  const { view } = data;
  const injected = new Set([...rendered.template.initContainers, ...rendered.template.containers]);
  const { caps } = baseOf(snapshot, data.namespace, view.labels);
  const ownImage = proxyImage({ ...data, view: { ...view, annotations: undefined } });
  const wanted = proxyImage(data);
  const { allowedImages } = proxy;
  // Istio lays the copy over its templates.
  const bounds = { image: ownImage, allowedImages, caps, taken: noIds, ours: {}, replaces: true };
  const problems = containersOf(view)
    .filter(({ name }) => injected.has(name) && !application.has(name))
    .flatMap((copy): Problem[] => checkOverride(copy, bounds));
  const found = reasonsOf('InvalidOverride', problems);
  if (wanted !== ownImage && !isAllowedImage(wanted, allowedImages)) {
    const allowed = [ownImage, ...allowedImages].join(', ');
    const message = `${annotationNames.proxyImage}: ${quote(wanted)} is not allowed; allowed: ${allowed}`;
    found.push(reason('InvalidAnnotation', message));
  }
  for (const container of [...rendered.initContainers, ...rendered.containers]) {
    const name = stringMember(container, 'name') ?? '';
    if (!isInjectedName(name) || member(objectMember(container, 'securityContext'), 'privileged') !== true) continue;
    const sentence = `container ${quote(name)} would be privileged, which spec.istiod.hardened does not allow; take IPTABLES_TRACE_LOGGING out of ${annotationNames.proxyConfig}, or the template of Istio’s values that asks for it`;
    found.push(reason('PrivilegeNotAllowed', sentence));
  }
  const places = {
    proxy: { statusPort: Number(statusPortOf(data)), admin: 'port', quitHook: false },
    capture: { mode: interceptionModeOf(data) },
  } as const;
  return [...found, ...proxyConflicts(view, places, identityOf(data))];
}

/** Annotations whose values a profile may cap. */
const capped: ReadonlySet<string> = new Set([
  annotationNames.proxyCPU,
  annotationNames.proxyMemory,
  annotationNames.proxyCPULimit,
  annotationNames.proxyMemoryLimit,
  annotationNames.logLevel,
  annotationNames.componentLogLevel,
]);

function aboveCaps(annotations: JsonObject, base: PodSettings): Problem[] {
  const draft = draftOf(base);
  const asked = annotationTable.filter(
    ({ kind, name }) => kind === 'annotation' && capped.has(name) && Object.hasOwn(annotations, name),
  );
  for (const { name, apply } of asked) apply?.(stringMember(annotations, name) ?? '', draft);
  return checkAgainstCaps(draft, Object.fromEntries(asked.map(({ name }) => [name, annotations[name]])));
}

/** Returns what changes the capture that the profile fixes: the annotations that do so alone, else the pod. */
function changesOfCapture(view: PodView, request: InjectionRequest, snapshot: Snapshot): Problem[] {
  const captured = (annotations: JsonObject): string =>
    JSON.stringify(captureOf(templateDataOf({ ...view, annotations }, request, snapshot)) ?? null);
  // Rendering depends on no other annotation, and a pod may have any number of others.
  const asked = Object.values(annotationNames).filter((name) => member(view.annotations, name) !== undefined);
  const rules = { actual: captured(view.annotations ?? {}), fixed: captured({}) };
  return captureChanges(rules, asked, (name) => captured({ [name]: member(view.annotations, name) }));
}

/** Returns the reasons for which the pod exceeds the caps of its profile. */
export function cappedReasons(view: PodView, request: InjectionRequest, snapshot: Snapshot): Reason[] {
  const base = baseOf(snapshot, request.namespace, view.labels);
  const problems = [
    ...aboveCaps(view.annotations ?? {}, base),
    ...(base.caps.capture === 'fixed' ? changesOfCapture(view, request, snapshot) : []),
  ];
  return reasonsOf('InvalidAnnotation', problems);
}
