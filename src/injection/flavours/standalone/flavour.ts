import type { Effective } from '../../../settings/effective.ts';
import { plainInput } from '../../../sidecars/standalone/plain-input.ts';
import { proxyFragment } from '../../../sidecars/standalone/proxy.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import type { Flavour } from '../flavour.ts';
import { proposeInjection } from './inject.ts';
import { proposeReinvocation } from './reinvoke.ts';

/** Whether the profile's patches fit the containers that a plain pod gets, in both modes. */
function misfits(effective: Effective): string[] {
  if (effective.patches.proxy.length === 0 && effective.patches.init.length === 0) return [];
  const found = [true, false].flatMap((native) => proxyFragment(plainInput(effective, native)).misfits);
  return [...new Set(found)];
}

/** The proxy that needs no control plane. */
export const standalone: Flavour = {
  templates: () => [builtInSidecar],
  problems: () => [],
  misfits,
  continues: () => false,
  inject: proposeInjection,
  reinvoke: proposeReinvocation,
  allowed: () => ({ privilegedProxy: false }),
  needsNamespaces: () => false,
};
