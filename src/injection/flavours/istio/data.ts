import { withAsked } from '../../../istio/templates/asked-resources.ts';
import { openShiftIdentity, withoutPlatformIds } from '../../../istio/templates/openshift.ts';
import { ownContainers, previousInjection } from '../../../istio/templates/previous-injection.ts';
import type { TemplateData } from '../../../istio/templates/template-data.ts';
import { recordedCopies } from '../../../istio/templates/user-copies.ts';
import type { PodView } from '../../../pod/view.ts';
import { workloadOf } from '../../../pod/workload.ts';
import { chooseProfile } from '../../../settings/effective.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import { proxyConfigText } from '../../../settings/annotations/istio-grammars.ts';
import { mergeProxyConfig, type ProxyConfig } from '../../../settings/schema/istio/proxy-config.ts';
import type { IstioValues } from '../../../settings/schema/istio/values.ts';
import { stringMember, type JsonObject } from '../../../json/json.ts';
import type { Profile } from '../../../settings/schema/profile.ts';
import type { InjectionRequest } from '../../decision.ts';
import { namespaceOf } from '../../namespace-facts.ts';
import type { Snapshot } from '../../snapshot.ts';

function isNative(view: PodView, namespace: string, snapshot: Snapshot): boolean {
  const asked = stringMember(view.annotations, annotationNames.nativeSidecar);
  if (asked !== undefined) return asked === 'true';
  const { injection, istiod, profiles } = snapshot.settings;
  const profile = istiod.hardened ? chooseProfile(profiles, namespace, view.labels) : undefined;
  const nativeSidecars = profile?.nativeSidecars ?? injection.nativeSidecars;
  const istio = snapshot.settings.istiod.values.pilot.env['ENABLE_NATIVE_SIDECARS'];
  if (nativeSidecars !== 'auto') return nativeSidecars === 'always';
  return istio === 'true' || istio === 'false' ? istio === 'true' : snapshot.stableSidecars;
}

/** What a profile presets, in Istio's own structures. */
interface Presets {
  readonly values: IstioValues;
  readonly defaultConfig: ProxyConfig;
  readonly hardening: TemplateData['hardening'];
}

function listsOf(resources: Profile['resources']): { requests: JsonObject; limits: JsonObject } {
  const { requests = {}, limits = {} } = resources ?? {};
  return { requests: { ...requests }, limits: { ...limits } };
}

/**
 * Returns the presets of the pod's profile. With hardened settings they override Istio's values; the pod's own
 * annotations override both.
 */
function presetsOf(view: PodView, namespace: string, snapshot: Snapshot): Presets {
  const { values, meshConfig, hardened } = snapshot.settings.istiod;
  const { defaultConfig } = meshConfig;
  if (!hardened) return { values, defaultConfig, hardening: undefined };
  const profile = chooseProfile(snapshot.settings.profiles, namespace, view.labels);
  const { proxy } = values.global;
  const resources = withAsked(proxy.resources, listsOf(profile?.resources));
  const ownProxy = { ...proxy, resources, logLevel: profile?.logLevel ?? proxy.logLevel };
  const mode = profile?.interceptionMode;
  return {
    values: { ...values, global: { ...values.global, proxy: ownProxy } },
    defaultConfig: mode === undefined ? defaultConfig : { ...defaultConfig, interceptionMode: mode },
    hardening: { initResources: withAsked(proxy.resources, listsOf(profile?.initResources)) },
  };
}

/** Returns the input of Istio's templates for one pod. */
export function templateDataOf(original: PodView, request: InjectionRequest, snapshot: Snapshot): TemplateData {
  const { namespace, proxyVariables = {} } = request;
  const { values, defaultConfig, hardening } = presetsOf(original, namespace, snapshot);
  const isOpenShift = values.global.platform === 'openshift';
  const view = isOpenShift ? withoutPlatformIds(original) : original;
  const text = stringMember(view.annotations, annotationNames.proxyConfig);
  const config = text === undefined ? undefined : proxyConfigText.parse(text);
  const previous = previousInjection(view);
  return {
    values,
    mesh: snapshot.settings.istiod.meshConfig,
    proxyConfig:
      config !== undefined && 'value' in config ? mergeProxyConfig(defaultConfig, config.value) : defaultConfig,
    view,
    containers: ownContainers(view, previous, recordedCopies(view.annotations).containers),
    previous,
    addressVariables: proxyVariables,
    namespace,
    workload: request.workload ?? workloadOf(view),
    native: isNative(view, namespace, snapshot),
    hardening,
    platformIdentity: isOpenShift ? openShiftIdentity(namespaceOf(request, snapshot).annotations) : undefined,
  };
}
