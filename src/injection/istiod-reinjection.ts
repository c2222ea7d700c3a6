import { probersOf, probersText, type Probers } from '../sidecars/istiod/probers.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import { names } from '../settings/constants.ts';
import { looseBoolean } from '../settings/grammar.ts';
import { istioNames } from '../settings/istio/annotation-names.ts';
import { isObject, objectsMember, stringMember, type JsonObject } from '../settings/json.ts';
import type { Operation } from './operation.ts';
import { editOperations } from './patch.ts';
import type { ApplicationContainer, ProbeEdit } from './probes.ts';
import type { Snapshot } from './snapshot.ts';

const variable = 'ISTIO_KUBE_APP_PROBERS';

function wantsProbes(view: PodView, snapshot: Snapshot): boolean {
  const asked = stringMember(view.annotations, istioNames.rewriteProbes);
  const parsed = asked === undefined ? undefined : looseBoolean.parse(asked);
  if (parsed !== undefined && 'value' in parsed) return parsed.value;
  return snapshot.settings.istiod.values.sidecarInjectorWebhook.rewriteAppHTTPProbe;
}

/** What the agent answers already; nothing when somebody damaged it. */
function answered(text: string | undefined): Probers {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isObject(value) ? (value as Probers) : {};
  } catch {
    return {};
  }
}

function proberOperation(pointer: string, proxy: JsonObject, added: Probers): Operation {
  const env = objectsMember(proxy, 'env');
  const index = env.findIndex((entry) => stringMember(entry, 'name') === variable);
  const value = probersText(added, answered(stringMember(env[index], 'value')));
  return index >= 0
    ? { op: 'replace', path: `${pointer}/env/${index}/value`, value }
    : { op: 'add', path: `${pointer}/env/-`, value: { name: variable, value } };
}

/** Probes of containers that came after the injection go to the agent too, and what is done about it. */
export function planAddedProbes(
  view: PodView,
  containers: readonly ApplicationContainer[],
  proxy: { readonly pointer: string; readonly container: JsonObject },
  snapshot: Snapshot,
): { readonly edits: readonly ProbeEdit[]; readonly operations: readonly Operation[] } {
  const known = snapshot.settings.istiod.meshConfig.defaultConfig.statusPort ?? 15_020;
  const target = Number(stringMember(view.annotations, istioNames.statusPort) ?? known);
  if (!wantsProbes(view, snapshot)) return { edits: [], operations: [] };
  let added: Probers = {};
  const edits = containers.flatMap((at): ProbeEdit[] => {
    if (stringMember(at.container, 'name') === names.proxyContainer) return [];
    const found = probersOf(at.container, { target, known });
    added = { ...added, ...found.probers };
    return found.edits.map((edit) => ({ at, ...edit }));
  });
  if (edits.length === 0) return { edits, operations: [] };
  const prober = Object.keys(added).length === 0 ? [] : [proberOperation(proxy.pointer, proxy.container, added)];
  return { edits, operations: [...edits.flatMap(editOperations), ...prober] };
}
