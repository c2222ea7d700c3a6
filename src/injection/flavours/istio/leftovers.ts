import { previousInjection } from '../../../istio/templates/previous-injection.ts';
import { tokenMaskVolume } from '../../../sidecars/token-mask.ts';
import { isBuiltIn, isInjectedIstioContainer } from '../../plan/injected-container.ts';
import { findLeftovers } from '../../plan/leftovers.ts';
import type { Flavour } from '../flavour.ts';

/**
 * Returns what an earlier injection has left in a pod whose status annotation is missing: a proxy of the other mode, which
 * no template of Istio's goes with, and with hardened settings Istio's own containers, whose arguments no pod may set.
 * Without them, Istio lays such containers over its templates, and volumes always.
 */
export const leftoversIn: Flavour['leftovers'] = (view, _request, { settings: { istiod } }) => {
  if (previousInjection(view) !== undefined) return undefined;
  return findLeftovers(view, {
    isLeft: (container) => isBuiltIn(container) || (istiod.hardened && isInjectedIstioContainer(container)),
    volumes: istiod.hardened ? [tokenMaskVolume] : [],
    statusPort: undefined,
  });
};
