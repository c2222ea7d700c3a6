import * as z from 'zod';
import { isObject, type JsonObject } from '../../json/json.ts';
import { proxy } from './proxy.ts';

/** What pods without a variant have in place of its name. */
export const stableVariant = 'stable';

/** Label of a pod or a namespace that names the variant which its pods get, whatever the shares are. */
export const pinnedVariantLabel = 'sidecar-injector.io/pinned-variant';

/** A version of the built-in sidecar that some owners get before all do. */
export const variant = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label')
    .refine((name) => name !== stableVariant, `"${stableVariant}" stands for pods without a variant`),
  /** Share of the owners that no variant before this one has. An owner that has it keeps it while the number grows. */
  percent: z.number().min(0).max(100).default(0),
  /** Settings of `spec.proxy` that are different; all others are as there. */
  proxy: proxy.omit({ allowedImages: true }).prefault({}),
});

export type Variant = z.output<typeof variant>;

function merge(below: unknown, above: unknown): unknown {
  if (!isObject(below) || !isObject(above)) return above === undefined ? below : above;
  const keys = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(below[key], above[key])]));
}

/** Puts what `spec.proxy` says below what each variant says, as written: defaults come after. */
export function layVariants(spec: unknown): unknown {
  if (!isObject(spec) || !Array.isArray(spec['variants'])) return spec;
  const base: JsonObject = isObject(spec['proxy']) ? spec['proxy'] : {};
  const { allowedImages: _, ...below } = base;
  const variants = (spec['variants'] as readonly unknown[]).map((one) =>
    isObject(one) ? { ...one, proxy: merge(below, one['proxy']) } : one,
  );
  return { ...spec, variants };
}
