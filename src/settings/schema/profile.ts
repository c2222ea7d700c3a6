import * as z from 'zod';
import { logLevel } from '../grammar.ts';
import { amount, labelSelector, namespacePattern, resources, written } from './values.ts';

/** Resources that a pod may ask for at most; absent means no bound. */
const caps = z.strictObject({
  cpu: amount.optional(),
  memory: amount.optional(),
  'ephemeral-storage': amount.optional(),
});

export const profile = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label'),
  /** Chosen when the namespace matches one of the patterns (when given) and the pod's labels match (when given). */
  namespaces: z.array(namespacePattern).optional(),
  podSelector: labelSelector.optional(),
  resources: resources.optional(),
  initResources: resources.optional(),
  logLevel: written(logLevel).optional(),
  interceptionMode: z.enum(['REDIRECT', 'NONE']).optional(),
  caps: caps.optional(),
});

/** Label by which a pod chooses a profile that has no selector of its own. */
export const profileLabel = 'sidecar-injector.io/profile';

export type Profile = z.output<typeof profile>;
