import { watch, type FSWatcher } from 'node:fs';

/**
 * Calls back some time after anything changed in one of the directories, and every `pollMs` besides: kubelet replaces a
 * mounted ConfigMap by swapping a symlink in its directory, which a watch on the file itself would miss, and events may
 * get lost altogether. The callback must find out by itself whether there is anything new.
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
      // Without a watch (no inotify left) the poll alone still finds every change.
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
