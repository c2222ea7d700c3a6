import type { Problem } from '../../../grammar/problem.ts';
import { readAddressVariables } from '../../../istio/address-variables.ts';
import { previousInjection } from '../../../istio/templates/previous-injection.ts';
import { istioTemplateNames } from '../../../istio/templates/templates.ts';
import { builtInProfiles, type Settings } from '../../../settings/schema/configuration.ts';
import { rightsOf } from '../../../settings/schema/istio/pod-template.ts';
import type { MeshConfig } from '../../../settings/schema/istio/mesh-config.ts';
import type { IstioValues } from '../../../settings/schema/istio/values.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import type { Flavour } from '../flavour.ts';
import { proposeIstiodInjection } from './inject.ts';
import { leftoversIn } from './leftovers.ts';
import { proposeIstiodReinvocation } from './reinvoke.ts';

/** Checks what istiod mode needs beyond well-formed settings. */
/** The mode of a profile chooses between proxies that this flavour does not have. */
function profileProblems({ profiles }: Settings): Problem[] {
  const message = 'has no effect in mode istiod; remove it';
  return profiles.flatMap((profile, index) =>
    profile.mode === undefined || builtInProfiles.includes(profile)
      ? []
      : [{ where: `spec.profiles[${index}].mode`, message }],
  );
}

function problemsOf(settings: Settings, templates: readonly string[]): Problem[] {
  const { istiod } = settings;
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
  problems.push(...profileProblems(settings));
  return [...problems, ...(istiod.hardened ? rightsProblems(istiod.values, istiod.meshConfig) : [])];
}

/**
 * With hardened settings, pods may select a template of the values, but get no more rights by it, and no proxy is
 * privileged.
 */
function rightsProblems({ global, sidecarInjectorWebhook }: IstioValues, { defaultConfig }: MeshConfig): Problem[] {
  const privileges: Problem[] = [];
  const message = 'makes the proxy privileged, which spec.istiod.hardened does not allow; remove it';
  if (global.proxy.privileged) privileges.push({ where: 'spec.istiod.values.global.proxy.privileged', message });
  if (defaultConfig.proxyMetadata?.['IPTABLES_TRACE_LOGGING'] === 'true') {
    const where = 'spec.istiod.meshConfig.defaultConfig.proxyMetadata.IPTABLES_TRACE_LOGGING';
    privileges.push({ where, message });
  }
  const rights = Object.entries(sidecarInjectorWebhook.templates).flatMap(([name, template]) =>
    rightsOf(template).map((member) => ({
      where: `spec.istiod.values.sidecarInjectorWebhook.templates.${name}.spec.${member}`,
      message: 'is not allowed with spec.istiod.hardened, because any pod may select the template; remove it',
    })),
  );
  return [...privileges, ...rights];
}

/** Istiod mode: Istio's own proxy, configured by an istiod. */
export const istio: Flavour = {
  templates: ({ istiod }) => istioTemplateNames(istiod.values),
  problems: problemsOf,
  misfits: () => [],
  // Istio's injector applies its templates on top of an earlier injection of its own, whatever its status says.
  continues: (view) => previousInjection(view) !== undefined,
  // Istio's containers are this flavour's own.
  isForeign: () => false,
  leftovers: leftoversIn,
  inject: proposeIstiodInjection,
  reinvoke: proposeIstiodReinvocation,
  // Istio's values may make its proxy privileged.
  allowed: ({ istiod }) => ({ privilegedProxy: !istiod.hardened }),
  readAddress: readAddressVariables,
};
