import { probersOf, proberEntry, statusPortsOf, wantsProbes, type Probers } from '../../../istio/templates/probers.ts';
import { pointerOf, type PodContainer } from '../../../pod/containers.ts';
import type { PodView } from '../../../pod/view.ts';
import { names } from '../../../pod/conventions.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import { objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import type { Operation } from '../../../json/operation.ts';
import { editOperations } from '../../patch/patch.ts';
import type { ProbeEdit } from '../../plan/probes.ts';
import type { Snapshot } from '../../snapshot.ts';

function proberOperation(pointer: string, proxy: JsonObject, added: Probers): Operation {
  const { index, entry } = proberEntry(objectsMember(proxy, 'env'), added);
  return index >= 0
    ? { op: 'replace', path: `${pointer}/env/${index}`, value: entry }
    : { op: 'add', path: `${pointer}/env/-`, value: entry };
}

/** Plans the rewrite of probes in containers added after the injection, and the update of the agent's variable. */
export function planAddedProbes(
  view: PodView,
  containers: readonly PodContainer[],
  proxy: PodContainer,
  snapshot: Snapshot,
): { readonly edits: readonly ProbeEdit[]; readonly operations: readonly Operation[] } {
  const { values, meshConfig } = snapshot.settings.istiod;
  const statusPorts = statusPortsOf(meshConfig, view.annotations);
  if (!wantsProbes(values, stringMember(view.annotations, annotationNames.rewriteProbes))) {
    return { edits: [], operations: [] };
  }
  const found = new Map<string, JsonObject>();
  const edits = containers.flatMap((at): ProbeEdit[] => {
    if (at.name === names.proxyContainer) return [];
    const { probers, edits: turned } = probersOf(at.raw, statusPorts);
    for (const [path, prober] of Object.entries(probers)) found.set(path, prober);
    return turned.map((edit) => ({ at, ...edit }));
  });
  if (edits.length === 0) return { edits, operations: [] };
  const added: Probers = Object.fromEntries(found);
  const prober = found.size === 0 ? [] : [proberOperation(pointerOf(proxy), proxy.raw, added)];
  return { edits, operations: [...edits.flatMap(editOperations), ...prober] };
}
