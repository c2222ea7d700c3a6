import * as z from 'zod';
import { apiVersion } from './object.ts';

const names = z.array(z.string());

/** One case of a template's own tests: a pod, settings, and what is expected of the injection. */
export const templateTest = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('TemplateTest'),
  metadata: z.looseObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    namespace: z.string().default('default'),
    /** `spec` of an InjectorConfiguration. */
    settings: z.looseObject({}).default({}),
    nativeSidecars: z.boolean().default(true),
    pod: z.looseObject({}),
    expect: z.strictObject({
      outcome: z.enum(['inject', 'skip', 'reject']).default('inject'),
      /** Codes of the reasons, in any order. */
      reasons: names.optional(),
      /** Texts, each of which one reason or warning holds. */
      messages: names.optional(),
      /** Names in their order. */
      initContainers: names.optional(),
      containers: names.optional(),
      /** A part of the injected pod: lists of named things are searched by name, null means absent. */
      pod: z.looseObject({}).optional(),
    }),
  }),
});

export type TemplateTest = z.output<typeof templateTest>;
