import { asKnown } from '../../../injection/namespace-facts.ts';
import type { Injector, JsonObject } from '../../../index.ts';
import type { KnownNamespace } from '../../manifests/known-namespace.ts';
import type { Decide } from '../../manifests/previous-injection.ts';
import { namespaceOf, passGate } from '../../manifests/webhook-selectors.ts';
import { ownerOf, type Workload } from '../../manifests/workload.ts';

/** What decisions depend on besides the workload. */
export interface DecisionContext extends KnownNamespace {
  readonly injector: Injector;
  /** Namespace of objects that do not name one. */
  readonly fallback: string | undefined;
}

/** Returns how webhook selectors and injection policy decide about the pod of this workload, in any state. */
export function deciderFor(workload: Workload, context: DecisionContext): Decide {
  const namespace = namespaceOf(workload, context.fallback);
  const { labels, injector } = context;
  return (pod: JsonObject) => {
    const asked = { ...workload, pod: { ...workload.pod, value: pod } };
    const gate = labels === undefined ? undefined : passGate(asked, namespace, labels);
    if (gate?.called === false) return `the API server would not ask for it: ${gate.reasons.join('; ')}`;
    return injector.decide({ pod, namespace, workload: ownerOf(workload), ...asKnown(context) });
  };
}
