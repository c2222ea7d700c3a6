import * as z from 'zod';
import { labelSelector, namespacePattern } from './values.ts';

/** Settings about which pods are injected, and how in general. */
export const injection = z.strictObject({
  /** What happens to a pod that neither its label, its annotation nor a selector decides. */
  policy: z.enum(['enabled', 'disabled']).default('enabled'),
  neverInjectSelector: z.array(labelSelector).default([]),
  alwaysInjectSelector: z.array(labelSelector).default([]),
  /** Namespaces of other operators, never injected; our own and the system's are excluded without being listed. */
  excludedNamespaces: z
    .array(namespacePattern)
    .default([
      'calico-apiserver',
      'calico-system',
      'cert-manager',
      'cilium',
      'cilium-*',
      'gatekeeper-system',
      'istio-system',
      'kube-*',
      'kyverno',
      'linkerd',
      'linkerd-*',
      'metallb-system',
      'tigera-operator',
    ]),
  defaultTemplates: z.array(z.string()).min(1).default(['sidecar']),
  /** Whether every injected pod gets its effective settings as an annotation; a pod may ask for it itself. */
  showSettings: z.boolean().default(false),
  /** What to answer when our own patch fails its verification. */
  onInvalidPatch: z.enum(['admit', 'deny']).default('admit'),
  /** Proxy as an init container with restartPolicy Always; auto asks the server's version. */
  nativeSidecars: z.enum(['auto', 'always', 'never']).default('auto'),
});
