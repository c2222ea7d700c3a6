import * as z from 'zod';
import { capture } from './capture.ts';
import { injection } from './injection.ts';
import { istiod } from './istiod.ts';
import { mesh } from './mesh.ts';
import { mode } from './mode.ts';
import { apiVersion, metadata } from './object.ts';
import { profile, profileLabel, type Profile } from './profile.ts';
import { proxy } from './proxy.ts';
import { sidecars } from './sidecars.ts';

const probes = z.strictObject({ rewrite: z.boolean().default(true) });

/** Events of the webhook, about owners of pods and about itself. */
const events = z.strictObject({ enabled: z.boolean().default(true) });

/** The profiles of every installation, unless the settings define one of their names. */
export const builtInProfiles: readonly Profile[] = [
  {
    name: 'small',
    podSelector: { matchLabels: { [profileLabel]: 'small' } },
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '100m', memory: '128Mi' } },
  },
  { name: 'mesh', podSelector: { matchLabels: { [profileLabel]: 'mesh' } }, mode: 'mesh' },
];

/** Returns the profiles with the built-in ones last, so that they never take precedence. */
function withBuiltIn(profiles: Profile[]): Profile[] {
  const names = new Set(profiles.map(({ name }) => name));
  return [...profiles, ...builtInProfiles.filter(({ name }) => !names.has(name))];
}

const spec = z.strictObject({
  mode,
  injection: injection.prefault({}),
  proxy: proxy.prefault({}),
  capture: capture.prefault({}),
  probes: probes.prefault({}),
  events: events.prefault({}),
  mesh: mesh.prefault({}),
  istiod: istiod.prefault({}),
  sidecars: sidecars.prefault({}),
  profiles: z.array(profile).default([]).transform(withBuiltIn),
});

export const injectorConfiguration = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('InjectorConfiguration'),
  metadata,
  spec: spec.prefault({}),
});

/** Settings of an injector, with all defaults applied. */
export type Settings = z.output<typeof spec>;
