import { rememberFragments } from '../injection/cache/fragments.ts';
import { createInjector, type Injector } from '../injection/injector.ts';
import path from 'node:path';
import { isSame } from '../json/json.ts';
import { withClusterFacts, withNamespaces, type ClusterFacts, type Snapshot } from '../injection/snapshot.ts';
import type { HealthCheck } from '../server/health.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConfigurationMetrics } from '../telemetry/metrics.ts';
import {
  describeFileProblem,
  loadConfiguration,
  type ConfigurationPaths,
  type FileProblem,
  type Loaded,
} from './configuration.ts';
import { watchDirectories } from './watch.ts';

/** Holds the snapshot in use, and replaces it as a whole when the files change. */
export interface ConfigurationReloader {
  /** The injector for the snapshot in use. */
  injector(): Injector;
  /** Ready even after a refused reload: a bad edit must not block the creation of pods. */
  health(): HealthCheck;
  /** Why the files on disk are not what is in use, one line for each problem. */
  refused(): readonly string[];
  useCluster(facts: ClusterFacts): void;
  /** Replaces the labels and annotations of namespaces that decisions depend on. */
  useNamespaces(namespaces: Snapshot['namespaces']): void;
  stop(): void;
}

/** The directories to watch. For a file this is its directory, where its replacement is visible. */
function directoriesOf({ settings, sidecars = [], meshRoots }: ConfigurationPaths): string[] {
  return [
    ...[settings, meshRoots?.file].flatMap((file) => (file === undefined ? [] : [path.dirname(path.resolve(file))])),
    ...sidecars.map((one) => (/\.(?:ya?ml|json)$/.test(one) ? path.dirname(path.resolve(one)) : path.resolve(one))),
  ];
}

/** Loads the files without rejecting: a bug that some file triggers must not end a webhook that is serving. */
async function loadAnyway(paths: ConfigurationPaths): Promise<Loaded> {
  try {
    return await loadConfiguration(paths);
  } catch (error) {
    const file = paths.settings ?? paths.sidecars?.join(', ') ?? '';
    const message = `cannot be loaded, please report it: ${error instanceof Error ? error.message : String(error)}`;
    return { problems: [{ file, where: '', message }] };
  }
}

/** Loads the files for the first time. The second list is what is wrong with root certificates that somebody else writes. */
async function loadFirst(paths: ConfigurationPaths): Promise<readonly [Loaded, readonly FileProblem[]]> {
  const loaded = await loadConfiguration(paths);
  const { meshRoots, ...others } = paths;
  if (!('problems' in loaded) || meshRoots?.mayBeMissing !== true) return [loaded, []];
  if (loaded.problems.some(({ file }) => file !== meshRoots.file)) return [loaded, []];
  return [await loadConfiguration(others), loaded.problems];
}

/**
 * Loads the files, watches them, and keeps the last valid snapshot. Returns all problems if the files are invalid at
 * the start, unless only roots of the mesh are, which the control plane writes: then only pods in mode mesh are denied.
 */
export async function startConfigurationReloader(
  paths: ConfigurationPaths,
  dependencies: { readonly log: Log; readonly metrics: ConfigurationMetrics; readonly pollMs?: number },
): Promise<ConfigurationReloader | { readonly problems: readonly FileProblem[] }> {
  const { log, metrics } = dependencies;
  const [loaded, rootProblems] = await loadFirst(paths);
  if ('problems' in loaded) return loaded;
  // The key of a cached fragment contains everything that it depends on, so the cache outlives a snapshot.
  const fragments = rememberFragments();
  let injector = createInjector(loaded.snapshot, fragments);
  const use = (snapshot: Snapshot): void => {
    injector = createInjector(snapshot, fragments);
  };
  let problems = rootProblems;
  let isReloading = false;
  let again = false;

  const publishMetrics = (): void => {
    metrics.configurationInfo.reset();
    metrics.configurationInfo.set({ hash: injector.snapshot.hash }, 1);
    metrics.configurationValid.set(problems.length === 0 ? 1 : 0);
  };
  const refuse = (next: readonly FileProblem[]): void => {
    const texts = next.map(describeFileProblem);
    if (texts.join('\n') === problems.map(describeFileProblem).join('\n')) return;
    problems = next;
    metrics.reloads.inc({ result: 'refused' });
    log.error(
      { problems: texts, settingsHash: injector.snapshot.hash },
      'new settings are refused, the last good ones stay',
    );
    publishMetrics();
  };
  const accept = (next: Snapshot): void => {
    const { snapshot } = injector;
    // Not everything in the settings is part of the hash.
    const isUnchanged = next.hash === snapshot.hash && isSame(next.settings, snapshot.settings);
    if (isUnchanged && problems.length === 0) return;
    problems = [];
    use(withNamespaces(withClusterFacts(next, snapshot), snapshot.namespaces));
    if (!isUnchanged) {
      metrics.reloads.inc({ result: 'accepted' });
      metrics.configurationTime.setToCurrentTime();
    }
    log.info({ settingsHash: next.hash }, 'settings are in use');
    publishMetrics();
  };
  const reload = async (): Promise<void> => {
    if (isReloading) {
      again = true;
      return;
    }
    isReloading = true;
    do {
      again = false;
      const next = await loadAnyway(paths);
      if ('problems' in next) refuse(next.problems);
      else accept(next.snapshot);
    } while (again);
    isReloading = false;
  };
  const directories = directoriesOf(paths);
  const watching =
    directories.length === 0
      ? undefined
      : watchDirectories(
          directories,
          () => void reload(),
          dependencies.pollMs === undefined ? {} : { pollMs: dependencies.pollMs },
        );
  metrics.configurationTime.setToCurrentTime();
  publishMetrics();
  log.info({ settingsHash: injector.snapshot.hash, files: loaded.files }, 'settings are in use');
  if (problems.length > 0) {
    log.error(
      { problems: problems.map(describeFileProblem) },
      'root certificates are refused, pods of the mesh are denied',
    );
  }
  return {
    injector: () => injector,
    health: () => ({
      name: 'configuration',
      ready: true,
      reason:
        problems.length === 0
          ? `settings ${injector.snapshot.hash} are in use`
          : `settings ${injector.snapshot.hash} stay in use, the files are refused: ${problems.map(describeFileProblem).join('; ')}`,
    }),
    refused: () => problems.map(describeFileProblem),
    useCluster(facts) {
      const { nativeSidecars, stableSidecars, sleepHook } = injector.snapshot;
      if (isSame(facts, { nativeSidecars, stableSidecars, sleepHook })) return;
      use(withClusterFacts(injector.snapshot, facts));
      log.info({ ...facts }, 'what the cluster can do');
    },
    useNamespaces(namespaces) {
      use(withNamespaces(injector.snapshot, namespaces));
    },
    stop: () => watching?.stop(),
  };
}
