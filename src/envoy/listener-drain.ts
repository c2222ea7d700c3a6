import { ports } from '../pod/conventions.ts';
import type { PodSettings } from '../settings/effective.ts';
import { askFunction, bash } from './admin-request.ts';
import { drainRequest, hookPaths } from './hooks.ts';

/** How long a hook goes on after it has asked the proxy to drain, in seconds: a fixed time, or as long as there is need. */
export type Hold = { readonly seconds: number } | { readonly least: number; readonly most: number };

/**
 * Bash function that succeeds while a process of another user has a TCP socket in the pod: the application listens, or
 * has a connection that it may still need. Sockets without an inode belong to no process any more.
 */
const inUse = [
  'inUse() { local file row; for file in /proc/net/tcp /proc/net/tcp6; do [[ -r $file ]] || continue',
  'while read -r -a row; do [[ ${row[0]} == *: && ${row[7]} != "$UID" && ${row[9]} != 0 ]] && return 0; done <$file',
  'done; return 1; }',
].join('; ');

function holdCommands(hold: Hold): string[] {
  if ('seconds' in hold) {
    const seconds = Math.max(0, Math.floor(hold.seconds));
    return seconds === 0 ? [] : [`sleep ${seconds}`];
  }
  const { least, most } = hold;
  return most <= 0
    ? []
    : [inUse, `while [[ SECONDS -lt ${most} ]] && { [[ SECONDS -lt ${least} ]] || inUse; }; do sleep 1; done`];
}

/**
 * Returns the command of the proxy's preStop hook. It drains inbound connections gracefully; outbound traffic of the
 * application continues. The kubelet runs it at the same time as the hooks of the application. The command returns at
 * once, which suits a native sidecar, because it is terminated after the application. A classic sidecar is stopped as
 * soon as the hook returns, so there the hook waits.
 *
 * @param proxy where the admin interface listens, and the drain time
 * @param hold must end before the pod's grace period
 */
export function drainCommand(
  proxy: Pick<PodSettings['proxy'], 'admin' | 'drainSeconds'>,
  hold: Hold = { seconds: 0 },
): string[] {
  return bash(
    [
      proxy.admin === 'port'
        ? askFunction('POST', drainRequest(proxy))
        : askFunction('POST', hookPaths.drain, ports.hooks),
      "ask || { echo 'drain: the proxy did not accept the request' >&2; exit 1; }",
      ...holdCommands(hold),
    ].join('; '),
  );
}
