import * as z from 'zod';
import { apiVersion } from './object.ts';

const jsonObjects = z.array(z.looseObject({ name: z.string().min(1) })).default([]);

/** A plain pod fragment. Fields of containers and volumes are Kubernetes' own and are checked by the API server. */
export const sidecarTemplate = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('SidecarTemplate'),
  metadata: z.looseObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label'),
  }),
  spec: z.strictObject({
    containers: jsonObjects,
    initContainers: jsonObjects,
    volumes: jsonObjects,
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    imagePullSecrets: z.array(z.string().min(1)).default([]),
  }),
});

export type SidecarTemplate = z.output<typeof sidecarTemplate>;
