import { createSnapshot, type Json, type Snapshot } from '../../../index.ts';
import { viewEffective } from '../../../settings/effective-view.ts';
import type { PodSettings } from '../../../settings/effective.ts';
import { namespaceBase } from '../../../injection/namespace-defaults.ts';
import type { NamespaceFacts } from '../../../injection/snapshot.ts';
import { isObject } from '../../../json/json.ts';

/** One effective setting of a pod and where its value comes from. The most specific place wins. */
export interface SettingOrigin {
  /** Path of the setting, such as `proxy.resources.limits.cpu`. */
  readonly name: string;
  readonly value: Json;
  readonly from: 'default' | 'settings' | 'profile' | 'namespace' | 'pod';
}

function leaves(value: Json, path = ''): [string, Json][] {
  if (!isObject(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, item = null]) => leaves(item, path === '' ? key : `${path}.${key}`));
}

function viewOf(effective: PodSettings | undefined): ReadonlyMap<string, string> {
  const view = effective === undefined ? [] : leaves(viewEffective(effective));
  return new Map(view.map(([name, value]) => [name, JSON.stringify(value)]));
}

function builtIn(): PodSettings | undefined {
  const result = createSnapshot();
  return 'snapshot' in result ? result.snapshot.bases.get('') : undefined;
}

/** Every effective setting of a pod with its origin. Precedence: built-in defaults < settings < profile < namespace < pod. */
export function settingOrigins(
  effective: PodSettings,
  snapshot: Snapshot,
  namespace: Pick<NamespaceFacts, 'annotations'>,
): SettingOrigin[] {
  const profile = snapshot.bases.get(effective.profile ?? '');
  const layers = {
    default: viewOf(builtIn()),
    settings: viewOf(snapshot.bases.get('')),
    profile: viewOf(profile),
    namespace: viewOf(profile && namespaceBase(profile, namespace, snapshot).base),
  };
  return leaves(viewEffective(effective)).map(([name, value]) => {
    const text = JSON.stringify(value);
    if (layers.namespace.get(name) !== text) return { name, value, from: 'pod' };
    if (layers.profile.get(name) !== text) return { name, value, from: 'namespace' };
    if (layers.settings.get(name) !== text) return { name, value, from: 'profile' };
    return { name, value, from: layers.default.get(name) === text ? 'default' : 'settings' };
  });
}
