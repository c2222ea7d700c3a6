import type { Settings } from '../configuration.ts';

/** Which pods are injected, where Istio's values say something about it: their selectors are added, their `disabled` counts. */
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
