import * as z from 'zod';
import { completeMeshConfig, meshConfig } from './istio/mesh-config.ts';
import { separateMeshConfig } from './istio/set-path.ts';
import { istioValues } from './istio/values.ts';

/** Settings of istiod mode: Istio's own configuration, and whether it is hardened. */
const schema = z
  .strictObject({
    /** Seccomp profile, no API token, image allow-list and restricted overrides, as in standalone mode. */
    hardened: z.boolean().default(false),
    values: istioValues,
    meshConfig,
  })
  .transform((settings) => ({ ...settings, meshConfig: completeMeshConfig(settings.meshConfig, settings.values) }));

export const istiod = z.preprocess(
  (input) => separateMeshConfig({ values: {}, meshConfig: {}, ...(input as object) }),
  schema,
);
