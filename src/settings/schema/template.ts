import * as z from 'zod';
import { apiVersion } from './object.ts';
import { namespacePattern } from './values.ts';

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const templateName = z.string().regex(label, 'allowed: a DNS label');

/** A version name; YAML parses `version: 2` as a number. */
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

/** A container or volume; the API server validates its fields. */
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
  /** The annotation that sets it. */
  annotation: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
      'allowed: an annotation name with a prefix, such as log-shipper.sidecar-injector.io/host',
    ),
  /** The field whose whole value is replaced. */
  field: pointer,
  type: z.enum(parameterTypes),
  description: z.string().optional(),
  /** Defaults to the value of the field in the template. */
  default: z.union([z.string(), z.number(), z.boolean()]).transform(String).optional(),
  required: z.boolean().optional(),
  pattern: z.string().max(1024).optional(),
  enum: z.array(z.string()).min(1).optional(),
  maxLength: z.number().int().min(1).max(4096).optional(),
  minimum: bound.optional(),
  maximum: bound.optional(),
  /** Images that a pod may set; `*` matches any characters. */
  allowed: z.array(z.string().min(1)).min(1).optional(),
});

/** Selects containers of the application: all, the first, or those with the given names. */
const containerSelector = z.union([z.enum(['all', 'first']), z.array(z.string().min(1)).min(1)]);

const share = z.strictObject({
  /** The path at which the application keeps the files. */
  path: absolutePath,
  containers: containerSelector.optional(),
  /** Volume to add and mount into the application if it has none there. Required of the application if not set. */
  volume: namedObject.optional(),
  /** Whether the sidecar is injected if the application has nothing to share. */
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
  /** The template that this one overlays. */
  base: templateReference.optional(),
  description: z.string().optional(),
  /** Namespaces whose pods may use it. Defaults to all. */
  namespaces: z.array(namespacePattern).optional(),
  /** Names of sidecars that cannot run in the same pod. */
  conflicts: z.array(templateName).optional(),
  /** Native: containers become init containers with restartPolicy Always if the cluster supports it. */
  mode: z.enum(['native', 'classic']).optional(),
  /** Whether the application waits for the sidecar or starts without it. */
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

/** A fragment of a pod, its parameters, and how it is combined with the application. */
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
