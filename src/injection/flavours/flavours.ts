import type { Settings } from '../../settings/schema/configuration.ts';
import type { Flavour } from './flavour.ts';
import { istio } from './istio/flavour.ts';
import { standalone } from './standalone/flavour.ts';

/** Flavours by the mode of the settings. */
export const flavours: Readonly<Record<Settings['mode'], Flavour>> = {
  standalone,
  mesh: standalone,
  istiod: istio,
};
