import * as z from 'zod';
import { templateReference, templateVersion } from './template.ts';
import { namespacePattern } from './values.ts';

const rollout = z.strictObject({
  template: templateReference.refine((name) => !name.includes(':'), 'allowed: the name of a template, without version'),
  /** What the name without a version means. */
  version: templateVersion,
  /** A part of the owners gets another version; the same owner always the same one. */
  canary: z.strictObject({ version: templateVersion, percent: z.number().min(0).max(100) }).optional(),
});

/** Settings about declared sidecars. */
export const sidecars = z.strictObject({
  /** Namespaces whose pods may have sidecars beyond the Pod Security level `baseline` (privileged, host paths). */
  allowPrivilegedIn: z.array(namespacePattern).default([]),
  /** Namespaces whose pods may name a Secret that a sidecar mounts. */
  allowSecretsIn: z.array(namespacePattern).default([]),
  versions: z.array(rollout).default([]),
});
