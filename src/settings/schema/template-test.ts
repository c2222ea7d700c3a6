import * as z from 'zod';
import { apiVersion } from './object.ts';

const names = z.array(z.string());

/** A test case of a template: a pod, settings and the expected result. */
export const templateTest = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('TemplateTest'),
  metadata: z.looseObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    namespace: z.string().default('default'),
    /** The `spec` of an InjectorConfiguration. */
    settings: z.looseObject({}).default({}),
    nativeSidecars: z.boolean().default(true),
    pod: z.looseObject({}),
    expect: z.strictObject({
      outcome: z.enum(['inject', 'skip', 'deny']).default('inject'),
      /** Reason codes, in any order. */
      reasons: names.optional(),
      /** Texts that must each occur in a reason or warning. */
      messages: names.optional(),
      /** Names, in order. */
      initContainers: names.optional(),
      containers: names.optional(),
      /** A subset of the injected pod. Lists of named objects are matched by name; null means absent. */
      pod: z.looseObject({}).optional(),
    }),
  }),
});

export type TemplateTest = z.output<typeof templateTest>;
