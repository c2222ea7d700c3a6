import { ports } from '../pod/conventions.ts';
import { askFunction, bash } from './admin-request.ts';
import { drainRequest, hookPaths } from './hooks.ts';
import type { Effective } from '../settings/effective.ts';

/**
 * Command of the proxy's preStop hook: clients are told to go elsewhere, new inbound connections are refused once the
 * drain time is over, and what the application still sends goes out as before. It returns at once, which is right for
 * a native sidecar, whose own end comes after the application's; a classic one is stopped when the hook returns, so
 * there the hook has to hold on for a while.
 *
 * @param admin where the admin interface is
 * @param holdSeconds how long to wait after asking; less than the pod's grace period
 */
export function drainCommand(admin: Effective['proxy']['admin'], holdSeconds = 0): string[] {
  const hold = Math.max(0, Math.floor(holdSeconds));
  return bash(
    [
      admin === 'port' ? askFunction('POST', drainRequest) : askFunction('POST', hookPaths.drain, ports.hooks),
      "ask || { echo 'drain: the proxy did not accept the request' >&2; exit 1; }",
      ...(hold === 0 ? [] : [`sleep ${hold}`]),
    ].join('; '),
  );
}
