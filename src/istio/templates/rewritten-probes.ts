import { stringMember, type JsonObject } from '../../json/json.ts';
import { withRewrittenHandler, type RewrittenHandler } from '../../pod/handler.ts';
import type { Lists } from './container-lists.ts';
import { probersOf, statusPortsOf, type Probers } from './probers.ts';
import type { TemplateData } from './template-data.ts';
import { proxyName } from './template-pod.ts';

/** The lists with their probes rewritten, the edits for unchanged containers, and the agent's probers. */
interface RewrittenLists extends Lists {
  readonly edits: ReadonlyMap<JsonObject, readonly RewrittenHandler[]>;
  readonly probers: Probers;
}

/**
 * Rewrites the probes of every container except the proxy. For objects of the pod, and containers in `beside`, the
 * rewrites are returned as edits; all others are replaced by a rewritten copy.
 */
export function rewriteProbes(
  lists: Lists,
  data: TemplateData,
  annotations: JsonObject,
  beside: readonly JsonObject[],
): RewrittenLists {
  const statusPorts = statusPortsOf(data.mesh, annotations);
  const own = new Set<JsonObject>([...data.view.initContainers, ...data.view.containers, ...beside]);
  const edits = new Map<JsonObject, readonly RewrittenHandler[]>();
  const probers = new Map<string, JsonObject>();
  const change = (container: JsonObject): JsonObject => {
    if (stringMember(container, 'name') === proxyName) return container;
    const found = probersOf(container, statusPorts);
    for (const [path, prober] of Object.entries(found.probers)) probers.set(path, prober);
    if (found.edits.length === 0) return container;
    if (!own.has(container)) return found.edits.reduce(withRewrittenHandler, container);
    edits.set(container, found.edits);
    return container;
  };
  const initContainers = lists.initContainers.map(change);
  const containers = lists.containers.map(change);
  beside.forEach(change);
  return { initContainers, containers, edits, probers: Object.fromEntries(probers) };
}
