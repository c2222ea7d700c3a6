import * as z from 'zod';
import { wordsOf } from '../../grammar/words.ts';
import { labelSelector, namespacePattern } from './values.ts';

/** Settings of which pods are injected, and how in general. */
export const injection = z.strictObject({
  /** Whether to inject pods for which no label, annotation or selector decides. */
  policy: z.enum(['enabled', 'disabled']).default('enabled'),
  /** `true`: no pod is injected, not even one that asks. Pods that run already are not touched. */
  paused: z.boolean().default(false),
  neverInjectSelector: z.array(labelSelector).default([]),
  alwaysInjectSelector: z.array(labelSelector).default([]),
  /** Namespaces that are never injected. The injector's own and the system's are always excluded. */
  excludedNamespaces: z.array(namespacePattern).default(
    wordsOf(`
        calico-apiserver calico-system cert-manager cilium cilium-* gatekeeper-system istio-system kube-* kyverno
        linkerd linkerd-* metallb-system tigera-operator
      `),
  ),
  defaultTemplates: z.array(z.string()).min(1).default(['sidecar']),
  /** Whether all injected pods get their effective settings as an annotation. A pod can also request it. */
  showSettings: z.boolean().default(false),
  /** Whether to admit or deny a pod if the patch fails verification. */
  onInvalidPatch: z.enum(['admit', 'deny']).default('admit'),
  /** Whether the proxy is an init container with restartPolicy Always; auto decides by the version of the API server. */
  nativeSidecars: z.enum(['auto', 'always', 'never']).default('auto'),
});
