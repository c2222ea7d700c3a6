import * as z from 'zod';
import { logLevel } from '../../grammar/grammar.ts';
import { amount, labelSelector, namespacePattern, resources, written } from './values.ts';

/** What a pod may ask for at most; absent means no bound. */
const caps = z.strictObject({
  cpu: amount.optional(),
  memory: amount.optional(),
  'ephemeral-storage': amount.optional(),
  /** The most talkative level; Envoy at debug writes more than it serves. */
  logLevel: written(logLevel).optional(),
  /** Whether the pod's own annotations may change what is captured. */
  capture: z.enum(['open', 'fixed']).default('open'),
});

const pointer = z.string().regex(/^(?:\/(?:[^~]|~[01])*)+$/, 'allowed: a JSON Pointer such as /env/-');

/** One operation of a JSON Patch, its pointers from the container's root. */
const containerPatch = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: z.json() }),
  z.strictObject({ op: z.literal('remove'), path: pointer }),
  z.strictObject({ op: z.enum(['move', 'copy']), from: pointer, path: pointer }),
]);

export const profile = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label'),
  /**
   * Chosen when the namespace matches one of the patterns (when given) and the pod's labels match (when given); with
   * neither, by the pods that name it in their label.
   */
  namespaces: z.array(namespacePattern).optional(),
  podSelector: labelSelector.optional(),
  resources: resources.optional(),
  initResources: resources.optional(),
  logLevel: written(logLevel).optional(),
  interceptionMode: z.enum(['REDIRECT', 'NONE']).optional(),
  /** Applied to the finished containers of the built-in sidecar. */
  proxyPatch: z.array(containerPatch).optional(),
  initPatch: z.array(containerPatch).optional(),
  caps: caps.optional(),
});

/** Label by which a pod asks for a profile. */
export const profileLabel = 'sidecar-injector.io/profile';

export type Profile = z.output<typeof profile>;
export type Caps = z.output<typeof caps>;
export type ContainerPatch = z.output<typeof containerPatch>;
