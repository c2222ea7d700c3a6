import * as fc from 'fast-check';
import { anyManifest, anyPod, type TemplateName, type Way } from './any-pod.ts';
import { anySettings } from './any-settings.ts';
import type { Case } from './injector.ts';
import { anyContainer, rarely } from './any-container.ts';
import { namespaces } from './namespaces.ts';

const paths = fc.constantFrom('/inject', '/inject', '/inject', '/inject/cluster/c1/net/n1', '/inject/foo/b--slash--r');

/** Cases of a template: `count` pods, a few of each settings. The same seed makes the same cases. */
export function casesOf(template: TemplateName, way: Way, count: number, seed: number): Case[] {
  const each = 20;
  const all = fc.sample(anySettings(way), { seed, numRuns: Math.ceil(count / each) });
  const known = Object.keys(namespaces);
  const object = way === 'file' ? anyManifest(template, known) : anyPod(template, way, known);
  const later = way === 'again' ? rarely(anyContainer('later'), 8) : fc.constant(undefined);
  const path = way === 'file' ? fc.constant('/inject') : paths;
  const rest = fc.sample(fc.tuple(object, path, later), { seed, numRuns: count });
  return rest.map(([made, path, later], index): Case => {
    const settings = all[Math.floor(index / each)];
    if (settings === undefined) throw new Error(`no settings for case ${index}`);
    return { way, settings, object: made, path, ...(later === undefined ? {} : { later }) };
  });
}
