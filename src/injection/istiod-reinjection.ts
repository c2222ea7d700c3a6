import { probersOf, proberEntry, type Probers } from '../sidecars/istiod/probers.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import { names } from '../settings/constants.ts';
import { looseBoolean } from '../settings/grammar.ts';
import { istioNames } from '../settings/istio/annotation-names.ts';
import { objectsMember, stringMember, type JsonObject } from '../settings/json.ts';
import type { Operation } from './operation.ts';
import { editOperations } from './patch.ts';
import type { ApplicationContainer, ProbeEdit } from './probes.ts';
import type { Snapshot } from './snapshot.ts';

function wantsProbes(view: PodView, snapshot: Snapshot): boolean {
  const asked = stringMember(view.annotations, istioNames.rewriteProbes);
  const parsed = asked === undefined ? undefined : looseBoolean.parse(asked);
  if (parsed !== undefined && 'value' in parsed) return parsed.value;
  return snapshot.settings.istiod.values.sidecarInjectorWebhook.rewriteAppHTTPProbe;
}

function proberOperation(pointer: string, proxy: JsonObject, added: Probers): Operation {
  const { index, entry } = proberEntry(objectsMember(proxy, 'env'), added);
  return index >= 0
    ? { op: 'replace', path: `${pointer}/env/${index}`, value: entry }
    : { op: 'add', path: `${pointer}/env/-`, value: entry };
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
