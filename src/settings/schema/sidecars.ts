import * as z from 'zod';
import { templateReference, templateVersion } from './template.ts';
import { namespacePattern } from './values.ts';

const rollout = z.strictObject({
  template: templateReference.refine((name) => !name.includes(':'), 'allowed: the name of a template, without version'),
  /** The version that a name without a version refers to. */
  version: templateVersion,
  /** Gives a share of the owners another version. The choice is stable: an owner always gets the same version. */
  canary: z.strictObject({ version: templateVersion, percent: z.number().min(0).max(100) }).optional(),
});

/** Settings of declared sidecars. */
export const sidecars = z.strictObject({
  /** Namespaces whose pods may have sidecars that violate the Pod Security level `baseline` (privileged, host paths). */
  allowPrivilegedIn: z.array(namespacePattern).default([]),
  /** Namespaces whose pods may choose a Secret for a sidecar to mount. */
  allowSecretsIn: z.array(namespacePattern).default([]),
  versions: z.array(rollout).default([]),
});
