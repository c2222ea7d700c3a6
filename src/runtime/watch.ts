import { watch, type FSWatcher } from 'node:fs';

/**
 * Calls back shortly after a change in one of the directories, and every `pollMs`. The kubelet replaces a mounted
 * ConfigMap by replacing a symbolic link in its directory, which a watch on the file itself would miss, and events can
 * be lost. The callback must check whether anything has changed.
 */
export function watchDirectories(
  directories: readonly string[],
  onHint: () => void,
  options: { readonly settleMs?: number; readonly pollMs?: number } = {},
): { stop(): void } {
  const { settleMs = 100, pollMs = 10_000 } = options;
  let settling: NodeJS.Timeout | undefined;
  const hint = (): void => {
    settling ??= setTimeout(() => {
      settling = undefined;
      onHint();
    }, settleMs).unref();
  };
  const watchers: FSWatcher[] = [];
  for (const directory of new Set(directories)) {
    try {
      // If watching fails, for example because no inotify watches are left, polling still finds every change.
      watchers.push(watch(directory, { persistent: false }, hint).on('error', () => undefined));
    } catch {
      continue;
    }
  }
  const poll = setInterval(onHint, pollMs).unref();
  return {
    stop() {
      clearTimeout(settling);
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
    },
  };
}
