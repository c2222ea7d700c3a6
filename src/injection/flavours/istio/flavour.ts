import type { Problem } from '../../../grammar/problem.ts';
import { readAddressVariables } from '../../../istio/address-variables.ts';
import { previousInjection } from '../../../istio/templates/previous-injection.ts';
import { istioTemplateNames } from '../../../istio/templates/templates.ts';
import type { Settings } from '../../../settings/schema/configuration.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import type { Flavour } from '../flavour.ts';
import { proposeIstiodInjection } from './inject.ts';
import { proposeIstiodReinvocation } from './reinvoke.ts';

/** Checks what istiod mode needs beyond well-formed settings. */
function problemsOf({ istiod }: Settings, templates: readonly string[]): Problem[] {
  const { global } = istiod.values;
  const problems: Problem[] = [];
  const isWhole = [global.proxy.image, global.proxy_init.image].every((image) => image.includes('/'));
  if ((global.tag ?? '') === '' && !isWhole) {
    const message = 'is missing; set it to the release of the istiod, such as 1.28.0';
    problems.push({ where: 'spec.istiod.values.global.tag', message });
  }
  const taken = new Set(istioTemplateNames(istiod.values));
  for (const name of templates) {
    if (taken.has(name) && name !== builtInSidecar) {
      problems.push({ where: 'sidecar templates', message: `"${name}" is the name of a template of Istio’s` });
    }
  }
  return problems;
}

/** Istiod mode: Istio's own proxy, configured by an istiod. */
export const istio: Flavour = {
  templates: ({ istiod }) => istioTemplateNames(istiod.values),
  problems: problemsOf,
  misfits: () => [],
  // Istio's injector applies its templates on top of an earlier injection of its own, whatever its status says.
  continues: (view) => previousInjection(view) !== undefined,
  inject: proposeIstiodInjection,
  reinvoke: proposeIstiodReinvocation,
  // Istio's values may make its proxy privileged.
  allowed: ({ istiod }) => ({ privilegedProxy: !istiod.hardened }),
  readAddress: readAddressVariables,
  needsNamespaces: ({ istiod }) => istiod.values.global.platform === 'openshift',
};
