import type { Settings } from '../configuration.ts';

/** Applies what Istio's values say about which pods are injected: their selectors are added and `disabled` is respected. */
export function withIstioGate(settings: Settings): Settings {
  if (settings.mode !== 'istiod') return settings;
  const { injection } = settings;
  const { global, sidecarInjectorWebhook: webhook } = settings.istiod.values;
  return {
    ...settings,
    injection: {
      ...injection,
      policy: global.proxy.autoInject === 'disabled' ? 'disabled' : injection.policy,
      neverInjectSelector: [...injection.neverInjectSelector, ...webhook.neverInjectSelector],
      alwaysInjectSelector: [...injection.alwaysInjectSelector, ...webhook.alwaysInjectSelector],
    },
  };
}
