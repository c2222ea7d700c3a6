import { ports } from '../pod/conventions.ts';
import { askFunction, bash } from './admin-request.ts';
import { drainRequest, hookPaths } from './hooks.ts';
import type { PodSettings } from '../settings/effective.ts';

/**
 * Returns the command of the proxy's preStop hook. It drains inbound connections gracefully and refuses new ones after
 * the drain time; outbound traffic of the application continues. The command returns at once, which suits a native
 * sidecar, because it is terminated after the application. A classic sidecar is stopped as soon as the hook returns, so
 * there the hook waits.
 *
 * @param admin where the admin interface listens
 * @param holdSeconds seconds to wait after the request; must be less than the pod's grace period
 */
export function drainCommand(admin: PodSettings['proxy']['admin'], holdSeconds = 0): string[] {
  const hold = Math.max(0, Math.floor(holdSeconds));
  return bash(
    [
      admin === 'port' ? askFunction('POST', drainRequest) : askFunction('POST', hookPaths.drain, ports.hooks),
      "ask || { echo 'drain: the proxy did not accept the request' >&2; exit 1; }",
      ...(hold === 0 ? [] : [`sleep ${hold}`]),
    ].join('; '),
  );
}
