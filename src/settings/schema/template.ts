import * as z from 'zod';
import { apiVersion } from './object.ts';
import { namespacePattern } from './values.ts';

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const templateName = z.string().regex(label, 'allowed: a DNS label');

/** YAML reads `version: 2` as a number; names of versions are text. */
export const templateVersion = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'allowed: 1 to 63 of A-Z a-z 0-9 . _ -'));

export const templateReference = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/,
    'allowed: the name of a template, with :version where it has several',
  );

/** Fields of containers and volumes are Kubernetes' own and are checked by the API server. */
const namedObject = z.looseObject({ name: z.string().regex(label, 'allowed: a DNS label') });

const absolutePath = z
  .string()
  .max(1024)
  .regex(/^\/[^:\p{Cc}]*$/u, 'allowed: an absolute path without colon')
  .refine((path) => !path.split('/').includes('..'), 'allowed: an absolute path without ".."');

const pointer = z.string().regex(/^(?:\/(?:[^~/]|~[01])+)+$/, 'allowed: a JSON pointer into spec');

const bound = z.union([z.string(), z.number()]);

const parameterTypes = ['string', 'integer', 'boolean', 'quantity', 'path', 'image', 'secretName'] as const;

const parameter = z.strictObject({
  /** The annotation by which a pod sets it. */
  annotation: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
      'allowed: an annotation name with a prefix, such as log-shipper.sidecar-injector.io/host',
    ),
  /** The one field that the value replaces, whole. */
  field: pointer,
  type: z.enum(parameterTypes),
  description: z.string().optional(),
  /** Without one, what the template says at the field counts. */
  default: z.union([z.string(), z.number(), z.boolean()]).transform(String).optional(),
  required: z.boolean().optional(),
  pattern: z.string().max(1024).optional(),
  enum: z.array(z.string()).min(1).optional(),
  maxLength: z.number().int().min(1).max(4096).optional(),
  minimum: bound.optional(),
  maximum: bound.optional(),
  /** Images that a pod may name; `*` for any characters. */
  allowed: z.array(z.string().min(1)).min(1).optional(),
});

/** Which of the application's containers: every one, the first, or those of these names. */
const containerSelector = z.union([z.enum(['all', 'first']), z.array(z.string().min(1)).min(1)]);

const share = z.strictObject({
  /** Where the application has the files. */
  path: absolutePath,
  containers: containerSelector.optional(),
  /** Made and mounted into the application when it has no volume there; without it the application must have one. */
  volume: namedObject.optional(),
  /** Whether the sidecar does without when there is nothing to share. */
  optional: z.boolean().optional(),
  with: z
    .array(
      z.strictObject({
        container: z.string().min(1),
        mountPath: absolutePath.optional(),
        readOnly: z.boolean().optional(),
      }),
    )
    .min(1),
});

const applicationChange = z.strictObject({
  containers: containerSelector.optional(),
  env: z.array(z.looseObject({ name: z.string().min(1) })).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string().min(1), mountPath: absolutePath })).optional(),
});

const spec = z.strictObject({
  version: templateVersion.optional(),
  /** The template that this one is laid over. */
  base: templateReference.optional(),
  description: z.string().optional(),
  /** Namespaces whose pods may have it; all without. */
  namespaces: z.array(namespacePattern).optional(),
  /** Names of sidecars that it cannot live beside. */
  conflicts: z.array(templateName).optional(),
  /** Native: containers run as init containers with restartPolicy Always where the cluster can do it. */
  mode: z.enum(['native', 'classic']).optional(),
  /** Whether the application waits for the sidecar or goes on without it. */
  failure: z.enum(['podWaits', 'podGoesOn']).optional(),
  order: z
    .strictObject({
      proxy: z.enum(['before', 'after']).optional(),
      application: z.enum(['before', 'after']).optional(),
    })
    .optional(),
  parameters: z.array(parameter).optional(),
  share: z.array(share).optional(),
  application: z.array(applicationChange).optional(),
  containers: z.array(namedObject).optional(),
  initContainers: z.array(namedObject).optional(),
  volumes: z.array(namedObject).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  imagePullSecrets: z.array(z.string().min(1)).optional(),
});

/** A pod fragment with what a pod may set about it and how it goes together with the application. */
export const sidecarTemplate = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('SidecarTemplate'),
  metadata: z.looseObject({ name: templateName }),
  spec,
});

export type SidecarTemplate = z.output<typeof sidecarTemplate>;
export type TemplateSpec = z.output<typeof spec>;
export type Parameter = z.output<typeof parameter>;
export type ContainerSelector = z.output<typeof containerSelector>;
export type Share = z.output<typeof share>;
export type ApplicationChange = z.output<typeof applicationChange>;
