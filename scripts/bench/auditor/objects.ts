import { applyToValue } from '../../../src/json/apply.ts';
import { objectMember, type JsonObject } from '../../../src/json/json.ts';
import type { Injector } from '../../../src/injection/injector.ts';
import { withCode } from '../../../src/injection/policy/reason.ts';
import { typicalPod } from '../pods.ts';
import type { AuditorEffort } from './figures.ts';

/** Labels of a namespace in which pods are injected. */
export const injectedLabels = { 'istio-injection': 'enabled' };

/** A Deployment of the bench with what is to become of its pods. */
export interface BenchOwner {
  readonly namespace: string;
  readonly name: string;
  readonly isInjected: boolean;
}

/** Name of a namespace. */
export function namespaceName(index: number): string {
  return `bench-${index}`;
}

/** Names of the namespaces without the label. */
export function unlabelledNames({ labelled, unlabelled }: AuditorEffort): readonly string[] {
  return Array.from({ length: unlabelled }, (_, index) => namespaceName(labelled + index));
}

/** All Deployments: those that were missed are the first ones of the first namespaces. */
export function ownersOf({ labelled, unlabelled, owners, missed }: AuditorEffort): readonly BenchOwner[] {
  return Array.from({ length: labelled + unlabelled }, (_, index) =>
    Array.from({ length: owners }, (_owner, owner) => ({
      namespace: namespaceName(index),
      name: `checkout-${owner}`,
      isInjected: index < labelled && !(index < missed && owner === 0),
    })),
  ).flat();
}

/** The Deployment itself. No controller is there that would make pods for it. */
export function deploymentOf({ namespace, name }: BenchOwner): JsonObject {
  const labels = { app: name };
  return {
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'checkout', image: 'registry.example/checkout:1' }] },
      },
    },
  };
}

/** A pod as a cluster stores it: the typical one, injected or not. */
export function podOf({ namespace, name, isInjected }: BenchOwner, index: number, injector: Injector): JsonObject {
  const plain = typicalPod(name);
  const metadata = {
    ...objectMember(plain, 'metadata'),
    namespace,
    name: `${name}-6c9f8d7b54-${String(index).padStart(5, 'x')}`,
  };
  const pod = { ...plain, metadata };
  if (!isInjected) return pod;
  const decision = injector.decide({ pod, namespace, namespaceLabels: injectedLabels, namespaceAnnotations: {} });
  if (decision.outcome !== 'inject')
    throw new Error(`a pod of the bench is not injected: ${decision.reasons.map(withCode).join('; ')}`);
  return applyToValue(pod, decision.operations) as JsonObject;
}
