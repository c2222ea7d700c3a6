import { proxyImage } from '../sidecars/istiod/images.ts';
import type { RenderedPod } from '../sidecars/istiod/render.ts';
import {
  applicationNames,
  identityOf,
  interceptionModeOf,
  statusPortOf,
  type TemplateData,
} from '../sidecars/istiod/template-data.ts';
import { istioNames } from '../settings/istio/annotation-names.ts';
import { stringMember } from '../settings/json.ts';
import { isAllowedImage } from '../settings/pod-checks.ts';
import { describeProblem, quote, type Problem } from '../settings/problem.ts';
import { proxyConflicts } from './conflicts.ts';
import { checkOverride } from './override.ts';
import { reason, type Reason } from './reason.ts';
import { baseOf, type Snapshot } from './snapshot.ts';

/** With `hardened` the same is refused as in the mode standalone. */
export function hardeningReasons(data: TemplateData, rendered: RenderedPod, snapshot: Snapshot): Reason[] {
  const { istiod, proxy } = snapshot.settings;
  if (!istiod.hardened) return [];
  const { view } = data;
  const injected = new Set(
    [...rendered.template.initContainers, ...rendered.template.containers].map(({ name }) => name),
  );
  const { caps } = baseOf(snapshot, data.namespace, view.labels);
  const ownImage = proxyImage({ ...data, view: { ...view, annotations: undefined } });
  const wanted = proxyImage(data);
  const problems: Problem[] = (['initContainers', 'containers'] as const).flatMap((list) =>
    view[list].flatMap((container, index) => {
      const name = stringMember(container, 'name') ?? '';
      const isCopy = injected.has(name) && !applicationNames(data).includes(name);
      return isCopy ? checkOverride({ list, index, container }, ownImage, proxy.allowedImages, caps) : [];
    }),
  );
  const found = problems.map((problem) => reason('InvalidOverride', describeProblem(problem)));
  if (wanted !== ownImage && !isAllowedImage(wanted, proxy.allowedImages)) {
    const allowed = [ownImage, ...proxy.allowedImages].join(', ');
    found.push(
      reason('InvalidAnnotation', `${istioNames.proxyImage}: ${quote(wanted)} is not allowed; allowed: ${allowed}`),
    );
  }
  const places = {
    proxy: { statusPort: Number(statusPortOf(data)), admin: 'port', quitHook: false },
    capture: { mode: interceptionModeOf(data) },
  } as const;
  return [...found, ...proxyConflicts(view, places, identityOf(data))];
}
