import * as z from 'zod';
import { completeMeshConfig, meshConfig } from './istio/mesh-config.ts';
import { separateMeshConfig } from './istio/set-path.ts';
import { istioValues } from './istio/values.ts';

/** Who configures the proxy of the built-in sidecar: nobody (standalone) or an istiod that is there already. */
export const mode = z.enum(['standalone', 'istiod']).default('standalone');

/** Settings of the mode istiod: Istio's own, and whether ours are put on top. */
const schema = z
  .strictObject({
    /** Seccomp profile, API token kept out, image allow-list and narrow overrides, as in the mode standalone. */
    hardened: z.boolean().default(false),
    values: istioValues,
    meshConfig,
  })
  .transform((settings) => ({ ...settings, meshConfig: completeMeshConfig(settings.meshConfig, settings.values) }));

export const istiod = z.preprocess(
  (input) => separateMeshConfig({ values: {}, meshConfig: {}, ...(input as object) }),
  schema,
);
