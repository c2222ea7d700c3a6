import { createInjector, type Injector, type JsonObject } from '../../index.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import type { Failure } from '../io.ts';
import { loadSnapshot } from '../manifests/snapshot.ts';
import type { EngineOptions } from '../options.ts';
import { copyDeployedFiles, type DeployedFiles } from './deployed-files.ts';

/** The injector of the cluster, as far as the options do not say otherwise, and what is from where. */
export async function loadInjector(
  client: ApiClient,
  options: EngineOptions,
  configuration: JsonObject,
): Promise<{ readonly injector: Injector; readonly note: readonly string[] } | Failure> {
  const { settings, sidecars } = options;
  const isGiven = settings !== undefined && sidecars !== undefined;
  const isWhole = isGiven && options.meshRoots !== undefined;
  const deployed = isWhole ? 'everything is given' : await copyDeployedFiles(client, configuration);
  const found = typeof deployed === 'string' ? undefined : deployed;
  try {
    const loaded = await loadSnapshot({
      ...options,
      ...(settings === undefined && found?.settings !== undefined ? { settings: found.settings } : {}),
      ...(sidecars === undefined && found?.sidecars !== undefined ? { sidecars: [...found.sidecars] } : {}),
      ...(options.meshRoots === undefined && found?.meshRoots !== undefined ? { meshRoots: found.meshRoots } : {}),
    });
    if ('problems' in loaded) return loaded;
    return { injector: createInjector(loaded.snapshot), note: isGiven ? [] : [noteAboutFiles(options, deployed)] };
  } finally {
    await found?.remove();
  }
}

/** Says whose settings and sidecars decide. */
function noteAboutFiles({ settings, sidecars }: EngineOptions, deployed: DeployedFiles | string): string {
  const named = (option: '--settings' | '--sidecars', what: string, without: string): string => {
    const origins = typeof deployed === 'string' ? [] : (deployed.origins.get(option) ?? []);
    return origins.length === 0 ? `${without} (${option} names others)` : `${what} in ConfigMap ${origins.join(', ')}`;
  };
  const parts = [
    ...(settings === undefined ? [named('--settings', 'the settings', 'the built-in settings')] : []),
    ...(sidecars === undefined ? [named('--sidecars', 'the sidecars', 'no declared sidecars')] : []),
  ];
  const why = typeof deployed === 'string' ? `; those of the cluster are not known: ${deployed}` : '';
  return `the injection policy below is that of ${parts.join(' and ')}${why}`;
}
