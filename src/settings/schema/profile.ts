import * as z from 'zod';
import { logLevel } from '../../grammar/grammar.ts';
import { profileMode } from './mode.ts';
import { amount, labelSelector, namespacePattern, resourceChanges, written } from './values.ts';

/** Upper bounds of what a pod may ask for. Unset means unbounded. */
const caps = z.strictObject({
  cpu: amount.optional(),
  memory: amount.optional(),
  'ephemeral-storage': amount.optional(),
  /** The most verbose level; at debug, Envoy spends more on logging than on traffic. */
  logLevel: written(logLevel).optional(),
  /** Whether the pod's annotations may change what is captured. */
  capture: z.enum(['open', 'fixed']).default('open'),
});

const pointer = z.string().regex(/^(?:\/(?:[^~]|~[01])*)+$/, 'allowed: a JSON Pointer such as /env/-');

/** A JSON Patch operation whose pointers start at the container. */
const containerPatch = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: z.json() }),
  z.strictObject({ op: z.literal('remove'), path: pointer }),
  z.strictObject({ op: z.enum(['move', 'copy']), from: pointer, path: pointer }),
]);

export const profile = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label'),
  /**
   * The profile applies if the namespace matches a pattern and the labels match the selector, as far as they are set. With
   * neither, it applies to pods that name it in their label.
   */
  namespaces: z.array(namespacePattern).optional(),
  podSelector: labelSelector.optional(),
  /** Mode of the built-in proxy, if it is another than that of the settings. */
  mode: profileMode.optional(),
  resources: resourceChanges.optional(),
  initResources: resourceChanges.optional(),
  logLevel: written(logLevel).optional(),
  /** Whether the proxy is an init container with restartPolicy Always, in place of `injection.nativeSidecars`. */
  nativeSidecars: z.enum(['always', 'never']).optional(),
  interceptionMode: z.enum(['REDIRECT', 'NONE']).optional(),
  /** Applied to the containers of the built-in sidecar after everything else. */
  proxyPatch: z.array(containerPatch).optional(),
  initPatch: z.array(containerPatch).optional(),
  caps: caps.optional(),
});

/** The label that requests a profile. */
export const profileLabel = 'sidecar-injector.io/profile';

export type Profile = z.output<typeof profile>;
export type Caps = z.output<typeof caps>;
export type ContainerPatch = z.output<typeof containerPatch>;
